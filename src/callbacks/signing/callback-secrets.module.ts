import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CallbackSecret } from './callback-secret.entity.js';
import { CallbackSecretRepository } from './callback-secret.repository.js';
import { CallbackSecretsService } from './callback-secrets.service.js';

/** The secrets that sign callbacks. The start of every process ensures that one exists. */
@Module({
  imports: [TypeOrmModule.forFeature([CallbackSecret])],
  providers: [CallbackSecretRepository, CallbackSecretsService],
  exports: [CallbackSecretsService],
})
export class CallbackSecretsModule {}
