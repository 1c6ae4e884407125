import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { In, type Repository } from 'typeorm';
import { RequestRecord } from './request.entity.js';

/** How far a request is. */
export type RequestState = Pick<RequestRecord, 'id' | 'status' | 'error'>;

/** Reads of the request log. */
@Injectable()
export class RequestRepository {
  constructor(@InjectRepository(RequestRecord) private readonly requests: Repository<RequestRecord>) {}

  async find(id: string): Promise<RequestRecord | null> {
    return this.requests.findOneBy({ id });
  }

  /** @returns Those requests that exist, newest first. */
  read(ids: string[]): Promise<RequestRecord[]> {
    return this.requests.find({ where: { id: In(ids) }, order: { id: 'DESC' } });
  }

  /** @returns The states of those requests that exist, in any order. */
  states(ids: string[]): Promise<RequestState[]> {
    return this.requests.find({ select: { id: true, status: true, error: true }, where: { id: In(ids) } });
  }
}
