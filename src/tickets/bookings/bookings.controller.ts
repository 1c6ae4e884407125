import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
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
import { CurrentUser, NeedsUser } from '../../http/auth.decorators.js';
import type { SignedInUser } from '../../http/caller.js';
import { IDEMPOTENCY_HEADER, IdempotencyKey, Idempotent } from '../../http/idempotency-key.js';
import { ID_PARAM, idParam } from '../../http/fields/id-param.js';
import {
  type BookingView,
  type BookingsQuery,
  type CreateBookingBody,
  bookingPage,
  bookingView,
  bookingsQuery,
  createBookingBody,
  seenBookingView,
} from './booking.schema.js';
import { BookingsService } from './bookings.service.js';

const NOT_FOUND = { description: 'Booking not found' };
const NOT_CUSTOMER = { description: 'Not a customer' };

@ApiTags('tickets')
@Controller('api/bookings')
export class BookingsController {
  constructor(private readonly bookings: BookingsService) {}

  @Post()
  @NeedsUser('customer')
  @Action('booking.create', ['event_id', 'num_tickets'])
  @Idempotent()
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiOperation({ summary: 'Book tickets of an event', description: "The sale is posted to the organizer's books." })
  @ApiCreatedResponse({ standardSchema: bookingView })
  @ApiForbiddenResponse(NOT_CUSTOMER)
  @ApiNotFoundResponse({ description: 'Event not found' })
  @ApiConflictResponse({
    description: 'Fewer tickets are left, the event is cancelled or has begun, or the period is closed',
  })
  async create(
    @Body({ schema: createBookingBody }) body: CreateBookingBody,
    @IdempotencyKey() key: IdempotencyKey | null,
    @CurrentUser() customer: SignedInUser,
    @Res({ passthrough: true }) response: Response,
  ): Promise<BookingView> {
    const booking = await this.bookings.book(customer, body, key);
    response.location(`/api/bookings/${booking.id}`);
    return booking;
  }

  @Get('me')
  @NeedsUser('customer')
  @ApiOperation({ summary: 'List your own bookings, newest first' })
  @ApiOkResponse({ standardSchema: bookingPage })
  @ApiForbiddenResponse(NOT_CUSTOMER)
  listOwn(
    @Query({ schema: bookingsQuery }) { cursor, limit }: BookingsQuery,
    @CurrentUser() customer: SignedInUser,
  ): Promise<object> {
    return this.bookings.listOwn(customer, { beforeId: cursor, limit });
  }

  @Get(':id')
  @NeedsUser()
  @ApiOperation({ summary: 'Get a booking of your own, or of an event that you organize' })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: seenBookingView })
  @ApiNotFoundResponse(NOT_FOUND)
  view(@Param('id', { schema: idParam }) id: string, @CurrentUser() user: SignedInUser): Promise<BookingView> {
    return this.bookings.view(user, id);
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @NeedsUser('customer')
  @Action('booking.cancel')
  @Idempotent()
  @ApiHeader(IDEMPOTENCY_HEADER)
  @ApiOperation({
    summary: 'Cancel a booking of your own',
    description: 'Gives the tickets back, and posts the reversal of the sale.',
  })
  @ApiParam(ID_PARAM)
  @ApiOkResponse({ standardSchema: bookingView })
  @ApiForbiddenResponse(NOT_CUSTOMER)
  @ApiNotFoundResponse(NOT_FOUND)
  @ApiConflictResponse({
    description: 'The booking is cancelled already, the event has begun, or the period is closed',
  })
  cancel(
    @Param('id', { schema: idParam }) id: string,
    @IdempotencyKey() key: IdempotencyKey | null,
    @CurrentUser() customer: SignedInUser,
  ): Promise<BookingView> {
    return this.bookings.cancel(customer, id, key);
  }
}
