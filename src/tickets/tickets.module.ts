import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { JournalModule } from '../books/journal/journal.module.js';
import { MailModule } from '../mail/mail.module.js';
import { RequestsModule } from '../requests/requests.module.js';
import { Booking } from './bookings/booking.entity.js';
import { BookingRepository } from './bookings/booking.repository.js';
import { BookingStore } from './bookings/booking.store.js';
import { BookingsController } from './bookings/bookings.controller.js';
import { BookingsService } from './bookings/bookings.service.js';
import { Event } from './events/event.entity.js';
import { EventRepository } from './events/event.repository.js';
import { EventStore } from './events/event.store.js';
import { EventsController } from './events/events.controller.js';
import { EventsService } from './events/events.service.js';

/** Events and bookings over HTTP. */
@Module({
  imports: [TypeOrmModule.forFeature([Booking, Event]), JournalModule, MailModule, RequestsModule],
  controllers: [EventsController, BookingsController],
  providers: [BookingRepository, BookingStore, BookingsService, EventRepository, EventStore, EventsService],
})
export class TicketsModule {}
