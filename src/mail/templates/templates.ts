import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import Mustache from 'mustache';
import { CONFIG, type Config } from '../../platform/config/config.js';
import type { FieldChange, TemplateData, TemplateName } from './template-data.js';

const NAMES: readonly TemplateName[] = [
  'booking-confirmed',
  'booking-cancelled',
  'event-changed',
  'event-cancelled',
  'password-reset',
];

/** A message as it is sent. */
export interface OutgoingMail {
  /** The same in every attempt. */
  messageId: string;
  date: Date;
  from: string;
  to: string;
  subject: string;
  text: string;
  html: string;
}

/** The parts that a template renders. */
export type MailContent = Pick<OutgoingMail, 'subject' | 'text' | 'html'>;

interface Template {
  subject: string;
  text: string;
  html: string;
}

/** Longest subject; a longer one is cut. */
const SUBJECT_LENGTH = 200;

const unescaped = { escape: (value: unknown): string => String(value) };

/** What every message of an installation has in common, and the templates in the files beside this one. */
@Injectable()
export class Templates {
  private readonly templates = new Map(NAMES.map((name) => [name, load(name)]));
  private readonly domain: string;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'MAIL_FROM'>) {
    this.domain = /@([^@>\s]+)>?$/.exec(config.MAIL_FROM)![1]!;
  }

  /** Returns a message with its headers. `Message-ID` follows from the id of the message, so every attempt has the same. */
  message(mail: {
    id: string;
    recipient: string;
    createdAt: Date;
    template: TemplateName;
    data: object;
  }): OutgoingMail {
    const content = this.render(mail.template, mail.data as TemplateData[TemplateName]);
    const { id, recipient: to, createdAt: date } = mail;
    return { messageId: `<${id}@${this.domain}>`, date, from: this.config.MAIL_FROM, to, ...content };
  }

  /** Renders a template. HTML escapes every value, and the subject is one line. */
  render<Name extends TemplateName>(name: Name, data: TemplateData[Name]): MailContent {
    const { subject, text, html } = this.templates.get(name)!;
    return {
      subject: Mustache.render(subject, shown(data), undefined, unescaped)
        .replaceAll(/\p{Cc}+/gu, ' ')
        .slice(0, SUBJECT_LENGTH),
      text: Mustache.render(text, shown(data), undefined, unescaped),
      html: Mustache.render(html, shown(data)),
    };
  }
}

/** Reads a template. The first line of the text is `Subject: …`. */
function load(name: TemplateName): Template {
  const read = (extension: string): string => readFileSync(new URL(`${name}.${extension}`, import.meta.url), 'utf8');
  const [, subject, text] = /^Subject: (.+)\n\n([^]+)$/.exec(read('txt'))!;
  return { subject: subject!, text: text!, html: read('html') };
}

/** Returns data whose times are shown as `2026-03-01 12:00 UTC`. */
function shown(data: TemplateData[TemplateName]): object {
  const view: { event?: { date: string }; changes?: FieldChange[]; expires_at?: string } = { ...data };
  if (view.event) view.event = { ...view.event, date: shownTime(view.event.date) };
  view.changes = view.changes?.map((change) => ({
    ...change,
    from: change.field === 'date' ? shownTime(change.from) : change.from,
    to: change.field === 'date' ? shownTime(change.to) : change.to,
  }));
  if (view.expires_at !== undefined) view.expires_at = shownTime(view.expires_at);
  return view;
}

function shownTime(text: string): string {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
