import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { RequestsModule } from '../../requests/requests.module.js';
import { Customer } from '../customers/customer.entity.js';
import { CustomerRepository } from '../customers/customer.repository.js';
import { CustomerTotalsStore } from '../customers/customer-totals.store.js';
import { CustomersController } from '../customers/customers.controller.js';
import { CustomersService } from '../customers/customers.service.js';
import { JournalStore } from '../journal/journal.store.js';
import { Order } from './order.entity.js';
import { OrderRepository } from './order.repository.js';
import { OrderStore } from './order.store.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

/** Customers and their orders. */
@Module({
  imports: [RequestsModule, TypeOrmModule.forFeature([Customer, Order])],
  controllers: [CustomersController, OrdersController],
  providers: [
    CustomerRepository,
    CustomerTotalsStore,
    CustomersService,
    JournalStore,
    OrderRepository,
    OrderStore,
    OrdersService,
  ],
})
export class OrdersModule {}
