import { Module } from '@nestjs/common';
import { CallbackSecretStore } from './callback-secret.store.js';
import { CallbackSecretsService } from './callback-secrets.service.js';

/** What callbacks are signed with. Every process makes sure at its start that there is a secret. */
@Module({ providers: [CallbackSecretStore, CallbackSecretsService], exports: [CallbackSecretsService] })
export class CallbackSecretsModule {}
