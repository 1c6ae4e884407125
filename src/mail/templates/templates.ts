import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import Mustache from 'mustache';
import { CONFIG, type Config } from '../../platform/config/config.js';
import { type FieldChange, TEMPLATE_NAMES, type TemplateData, type TemplateName } from './template-data.js';

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
  /** The partials of {@link LAYOUT} that are the template's own. */
  html: { title: string; content: string };
}

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), 'utf8');
/** The document around every message. */
const LAYOUT = read('layout.html');
/** The partial `event`: the facts of an event. */
const EVENT = { text: read('event.txt'), html: read('event.html') };

/** Longest subject; a longer one is cut. */
const SUBJECT_LENGTH = 200;

const unescaped = { escape: (value: unknown): string => String(value) };

/** Renders messages from the templates in the files beside this one, with the headers that all messages have. */
@Injectable()
export class Templates {
  private readonly templates = new Map(TEMPLATE_NAMES.map((name) => [name, load(name)]));
  private readonly domain: string;

  constructor(@Inject(CONFIG) private readonly config: Pick<Config, 'MAIL_FROM'>) {
    this.domain = /@([^@>\s]+)>?$/.exec(config.MAIL_FROM)![1]!;
  }

  /** Returns a message with its headers. `Message-ID` contains the id of the message, so it is the same in every attempt. */
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
      text: Mustache.render(text, shown(data), { event: EVENT.text }, unescaped),
      html: Mustache.render(LAYOUT, shown(data), { ...html, event: EVENT.html }),
    };
  }
}

/** Reads a template. The text begins with a line `Subject: …`, the HTML with its `<title>`. */
function load(name: TemplateName): Template {
  const [, subject, text] = /^Subject: (.+)\n\n([^]+)$/.exec(read(`${name}.txt`))!;
  const [, title, content] = /^(<title>.+<\/title>\n)([^]+)$/.exec(read(`${name}.html`))!;
  return { subject: subject!, text: text!, html: { title: title!, content: content! } };
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
