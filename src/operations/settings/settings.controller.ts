import { Controller, Get, Inject } from '@nestjs/common';
import { ApiForbiddenResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { IsOperator, NeedsScope } from '../../http/auth.decorators.js';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { type EffectiveSetting, effectiveSettings } from '../../platform/config/effective-settings.js';
import { SettingsNeedOperator } from './settings.errors.js';
import { settingList } from './settings.schema.js';

/** The settings of the process that answers. They never change after its start. */
@ApiTags('operations')
@NeedsScope('admin')
@Controller('api/settings')
export class SettingsController {
  private readonly settings: EffectiveSetting[];

  constructor(@Inject(CONFIG) config: Config) {
    this.settings = effectiveSettings(config);
  }

  @Get()
  @ApiOperation({ summary: 'List the settings in effect, without secrets (operators)' })
  @ApiOkResponse({ standardSchema: settingList })
  @ApiForbiddenResponse({
    description: 'The API key lacks the scope `admin`, or with `AUTH=open` the caller is on another machine',
  })
  list(@IsOperator() isOperator: boolean): { settings: EffectiveSetting[] } {
    if (!isOperator) throw new SettingsNeedOperator();
    return { settings: this.settings };
  }
}
