import { Module } from '@nestjs/common';
import { SettingsController } from './settings.controller.js';

/** The settings of an API process. */
@Module({ controllers: [SettingsController] })
export class SettingsModule {}
