import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { OpenAPIObject } from '@nestjs/swagger';
import { EdgeModule } from '../edge/edge.module.js';
import { buildDocument } from '../edge/openapi/openapi.js';
import { OperationsModule } from '../operations/operations.module.js';
import { parseConfig } from '../platform/config/config.js';
import { PooledSession } from '../platform/database/session.js';
import { ApiModule } from './api.module.js';
import { CoreModule } from './core.module.js';

/** The root of the modules that are described. */
@Module({})
class DescribedModule {}

/**
 * Returns the OpenAPI document of an installation with default settings. Nothing is constructed, opened or listened on.
 */
export async function describeApi(): Promise<OpenAPIObject> {
  const config = parseConfig({});
  // Never read, because a preview has the modules without their instances.
  const database = { url: '', session: PooledSession };
  const imports = [CoreModule.register(config, database), OperationsModule, EdgeModule, ApiModule.register(config)];
  const options = { preview: true, logger: false, abortOnError: false } as const;
  return buildDocument(await NestFactory.create({ module: DescribedModule, imports }, options), config);
}
