import { Module } from '@nestjs/common';
import { BenchmarkController } from './benchmark.controller.js';
import { BenchmarkService } from './benchmark.service.js';
import { BenchmarkStore } from './benchmark.store.js';

/** The load test over HTTP. */
@Module({ controllers: [BenchmarkController], providers: [BenchmarkService, BenchmarkStore] })
export class BenchmarkModule {}
