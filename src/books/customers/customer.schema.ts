import { z } from 'zod';
import { atLeastOne } from '../../http/fields/at-least-one.js';
import { pageFields } from '../../http/fields/page-query.js';
import { label } from '../../http/fields/label.js';

export const customerName = label(200);
export const customerEmail = z.email().max(254).describe('Unique in the account, regardless of case');

export const createCustomerBody = z
  .strictObject({ name: customerName, email: customerEmail, is_active: z.boolean().default(true) })
  .meta({ id: 'CreateCustomerBody', example: { name: 'Acme Ltd', email: 'billing@acme.example' } });
export type CreateCustomerBody = z.infer<typeof createCustomerBody>;

export const changeCustomerBody = atLeastOne(
  z.strictObject({ name: customerName, email: customerEmail, is_active: z.boolean() }).partial(),
).meta({ id: 'ChangeCustomerBody', example: { is_active: false } });
export type ChangeCustomerBody = z.infer<typeof changeCustomerBody>;

export const emailPart = z.string().min(1).max(254).describe('Part of the email, in any case');

export const customersQuery = z.strictObject({
  email: emailPart.optional(),
  ...pageFields('Customers'),
});
export type CustomersQuery = z.infer<typeof customersQuery>;

const timestamp = z.iso.datetime();

export const customerView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    email: z.string(),
    is_active: z.boolean(),
    created_at: timestamp,
    updated_at: timestamp,
  })
  .meta({ id: 'Customer' });
/** The answer to callers without `books:read`. */
export const changedCustomer = customerView
  .partial()
  .required({ id: true, updated_at: true })
  .meta({ id: 'ChangedCustomer' });
export const customerPage = z
  .object({ customers: z.array(customerView), next_cursor: z.uuid().nullable() })
  .meta({ id: 'CustomerPage' });
export const deletedOne = z.object({ deleted: z.literal(true), id: z.uuid() }).meta({ id: 'DeletedCustomer' });
