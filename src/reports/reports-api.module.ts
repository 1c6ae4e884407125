import { Module } from '@nestjs/common';
import { RequestsModule } from '../requests/requests.module.js';
import { ReportDownload } from './report-download.js';
import { ReportsController } from './reports.controller.js';
import { ReportsModule } from './reports.module.js';

/** Report types and report files over HTTP. Separate from `ReportsModule`, which workers without HTTP use. */
@Module({ imports: [ReportsModule, RequestsModule], controllers: [ReportsController], providers: [ReportDownload] })
export class ReportsApiModule {}
