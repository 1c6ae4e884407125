import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AccountsModule } from '../../accounts/accounts.module.js';
import { CallbackSecret } from './callback-secret.entity.js';
import { CallbackSecretRepository } from './callback-secret.repository.js';
import { CallbackSecretsService } from './callback-secrets.service.js';

/** The secrets that sign callbacks. The start of every process ensures that the open installation has one. */
@Module({
  imports: [AccountsModule, TypeOrmModule.forFeature([CallbackSecret])],
  providers: [CallbackSecretRepository, CallbackSecretsService],
  exports: [CallbackSecretsService],
})
export class CallbackSecretsModule {}
