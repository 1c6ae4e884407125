import type { AccountId } from '../platform/tenant.js';
import type { FanOutTemplate, TemplateData, TemplateName } from './templates/template-data.js';

/** A message to one address. */
export type NewMail = {
  [Template in TemplateName]: { accountId: AccountId; to: string; template: Template; data: TemplateData[Template] };
}[TemplateName];

/** A message to all attendees of an event. */
export type NewFanOut = {
  [Template in FanOutTemplate]: {
    accountId: AccountId;
    eventId: string;
    template: Template;
    data: TemplateData[Template];
  };
}[FanOutTemplate];
