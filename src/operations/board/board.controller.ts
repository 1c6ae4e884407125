import { Controller, Get, Header, NotFoundException, Req, Res, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { NeedsScope } from '../../http/auth.decorators.js';
import { BoardGuard } from './board.guard.js';
import { BoardService } from './board.service.js';

const DAY_MS = 86_400_000;

/** The page of the queue board. Its paths are those of the library's page. */
@ApiExcludeController()
@NeedsScope('admin')
@UseGuards(BoardGuard)
@Controller('admin/queues')
export class BoardController {
  constructor(private readonly boards: BoardService) {}

  @Get(['', 'queue/:queue', 'queue/:queue/:job'])
  @Header('Cache-Control', 'no-store')
  @Header('Content-Type', 'text/html; charset=utf-8')
  async page(): Promise<string> {
    return (await this.boards.board()).page;
  }

  /** The names of the scripts and styles contain a hash of their content. */
  @Get('static/*path')
  async file(@Req() request: Request, @Res() response: Response): Promise<void> {
    const { staticFolder: root } = await this.boards.board();
    const segments = request.params['path'] as unknown as string[];
    await new Promise<void>((resolve, reject) => {
      // Refuses paths that leave the folder, and hidden files.
      response.sendFile(segments.join('/'), { root, maxAge: DAY_MS, cacheControl: true }, (error: unknown) => {
        if (error === undefined || response.headersSent) resolve();
        else reject(new NotFoundException('The board has no such file'));
      });
    });
  }
}
