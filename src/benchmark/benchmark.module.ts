import { Module } from '@nestjs/common';
import { BenchmarkController } from './benchmark.controller.js';
import { BenchmarkService } from './benchmark.service.js';

/** The load test over HTTP. */
@Module({ controllers: [BenchmarkController], providers: [BenchmarkService] })
export class BenchmarkModule {}
