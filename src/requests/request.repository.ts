import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { type FindOptionsWhere, LessThan, type Repository } from 'typeorm';
import type { AccountId } from '../platform/tenant.js';
import { type RequestMode, RequestRecord, type RequestStatus } from './request.entity.js';

export interface RequestFilter {
  /** Null for the requests of all accounts. */
  account: AccountId;
  mode?: RequestMode;
  status?: RequestStatus;
  report?: string;
  /** Qualified by its account. */
  lane?: string;
  /** Only requests older than this one. */
  beforeId?: string;
  limit: number;
}

/** Reads of the request log. */
@Injectable()
export class RequestRepository {
  constructor(@InjectRepository(RequestRecord) private readonly requests: Repository<RequestRecord>) {}

  async find(id: string): Promise<RequestRecord | null> {
    return this.requests.findOneBy({ id });
  }

  /**
   * Ids are time-ordered, so the id is the key of the page. Every list is planned with its values, so that a rare status
   * uses its own index.
   * @returns Requests, newest first.
   */
  async list({ account, mode, status, report, lane, beforeId, limit }: RequestFilter): Promise<RequestRecord[]> {
    const where: FindOptionsWhere<RequestRecord> = {
      ...(account !== null && { accountId: account }),
      ...(mode && { mode }),
      ...(status && { status }),
      ...(report !== undefined && { report }),
      ...(lane !== undefined && { lane }),
      ...(beforeId && { id: LessThan(beforeId) }),
    };
    return this.requests.find({ where, order: { id: 'DESC' }, take: limit });
  }
}
