import { Body, Controller, Delete, Get, Param, Patch, Post, Put, Query, Res, applyDecorators } from '@nestjs/common';
import {
  ApiConflictResponse,
  ApiCreatedResponse,
  ApiForbiddenResponse,
  ApiHeader,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiParam,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { Action } from '../../http/action.decorators.js';
import { CurrentUser, NeedsScope, NeedsUser, OwnAccount, Public } from '../../http/auth.decorators.js';
import type { SignedInUser } from '../../http/caller.js';
import { IDEMPOTENCY_HEADER, IdempotencyKey, Idempotent } from '../../http/idempotency-key.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import type { AccountId } from '../../platform/tenant.js';
import { type BookingsQuery, bookingsQuery, soldBookingPage } from '../bookings/booking.schema.js';
import { BookingsService } from '../bookings/bookings.service.js';
import {
  type ChangeEventBody,
  type CreateEventBody,
  type EventView,
  type EventsQuery,
  changeEventBody,
  createEventBody,
  deletedEvent,
  eventPage,
  eventView,
  eventsQuery,
} from './event.schema.js';
import { EventsService } from './events.service.js';

const NOT_FOUND = { description: 'Event not found' };

const Organizes = () => applyDecorators(NeedsUser('organizer'), NeedsScope('events:write'));
const OwnEvent = (summary: string, description?: string) =>
  applyDecorators(
    Organizes(),
    ApiOperation({ summary, description }),
    ApiParam(ID_PARAM),
    ApiNotFoundResponse(NOT_FOUND),
    ApiForbiddenResponse({ description: 'Not an organizer, or the event belongs to another one' }),
  );
const Changes = () =>
  applyDecorators(
    Action('event.change'),
    OwnEvent(
      'Change an event',
      'Fields that are not given stay as they are. The attendees get mail about the changes.',
    ),
    ApiOkResponse({ standardSchema: eventView }),
    ApiConflictResponse({
      description: 'The event is cancelled, more tickets are sold, or the currency is fixed by sales',
    }),
  );

@ApiTags('tickets')
@Controller('api/events')
export class EventsController {
  constructor(
    private readonly events: EventsService,
    private readonly bookings: BookingsService,
  ) {}

  @Get()
  @Public()
  @ApiOperation({ summary: 'List active events, the soonest first' })
  @ApiOkResponse({ standardSchema: eventPage })
  list(@Query({ schema: eventsQuery }) query: EventsQuery): Promise<object> {
    return this.events.list(query);
  }

  @Get(':id')
  @Public()
  @ApiOperation({ summary: 'Get an event' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: eventView })
  @ApiNotFoundResponse(NOT_FOUND)
  view(@Param('id', { schema: idParam }) id: string): Promise<EventView> {
    return this.events.view(id);
  }

  @Post()
  @Organizes()
  @Action('event.create', ['title'])
  @Idempotent()
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiOperation({ summary: 'Publish an event' })
  @ApiCreatedResponse({ standardSchema: eventView })
  @ApiForbiddenResponse({ description: 'Not an organizer' })
  async create(
    @Body({ schema: createEventBody }) body: CreateEventBody,
    @IdempotencyKey() key: IdempotencyKey | null,
    @CurrentUser() organizer: SignedInUser,
    @OwnAccount() account: AccountId,
    @Res({ passthrough: true }) response: Response,
  ): Promise<EventView> {
    const event = await this.events.create(organizer, account, body, key);
    response.location(`/api/events/${event.id}`);
    return event;
  }

  @Put(':id')
  @Changes()
  replace(
    @Param('id', { schema: idParam }) id: string,
    @Body({ schema: changeEventBody }) body: ChangeEventBody,
    @CurrentUser() organizer: SignedInUser,
  ): Promise<EventView> {
    return this.events.change(organizer, id, body);
  }

  @Patch(':id')
  @Changes()
  change(
    @Param('id', { schema: idParam }) id: string,
    @Body({ schema: changeEventBody }) body: ChangeEventBody,
    @CurrentUser() organizer: SignedInUser,
  ): Promise<EventView> {
    return this.events.change(organizer, id, body);
  }

  @Delete(':id')
  @Action('event.delete')
  @OwnEvent('Delete an event', 'One that was ever booked is cancelled instead, with its bookings, which are refunded.')
  @ApiOkResponse({ standardSchema: deletedEvent })
  @ApiConflictResponse({
    description: 'The event is cancelled already, or was booked and has begun; or the period is closed',
  })
  async remove(@Param('id', { schema: idParam }) id: string, @CurrentUser() organizer: SignedInUser): Promise<object> {
    const cancelled_bookings = await this.events.remove(organizer, id);
    return { deleted: true, id: id.toLowerCase(), cancelled_bookings };
  }

  @Get(':id/bookings')
  @OwnEvent('List the bookings of an event, newest first')
  @ApiOkResponse({ standardSchema: soldBookingPage })
  async listBookings(
    @Param('id', { schema: idParam }) id: string,
    @Query({ schema: bookingsQuery }) { cursor, limit }: BookingsQuery,
    @CurrentUser() organizer: SignedInUser,
  ): Promise<object> {
    await this.events.checkOwn(organizer, id);
    return this.bookings.listOfEvent(id, { beforeId: cursor, limit });
  }
}
