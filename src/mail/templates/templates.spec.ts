import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Templates } from './templates.js';

const templates = new Templates({ MAIL_FROM: 'Events <events@daybook.example>' });
const EVIL = `<script>alert("x")</script> & 'y'`;
const EVENT = { title: EVIL, date: '2026-12-01T19:00:00.000Z', location: EVIL };

describe('templates', () => {
  it('escape every value in HTML, and none in text', () => {
    const booking = { event: EVENT, num_tickets: 1, total: EVIL };
    const all = [
      templates.render('booking-confirmed', booking),
      templates.render('booking-cancelled', booking),
      templates.render('event-changed', { event: EVENT, changes: [{ field: EVIL, from: EVIL, to: EVIL }] }),
      templates.render('event-cancelled', { event: EVENT }),
      templates.render('password-reset', { name: EVIL, token: EVIL, expires_at: EVIL }),
    ];
    for (const { text, html } of all) {
      expect(text).toContain(EVIL);
      expect(html).not.toContain('<script>');
      expect(html).toContain('&lt;script&gt;');
    }
  });

  it('have no unescaped value in their files', () => {
    const folder = new URL('.', import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith('.html') || name.endsWith('.txt'));
    expect(files).toHaveLength(13);
    for (const name of files) {
      const text = readFileSync(new URL(name, folder), 'utf8');
      expect(text).not.toMatch(/\{\{\s*(\{|&|=)/);
      // The partials are files of the same folder, so that this test reads them too.
      for (const [partial] of text.matchAll(/\{\{\s*>[^}]*\}\}/g))
        expect(['{{>event}}', '{{>title}}', '{{>content}}']).toContain(partial);
    }
  });

  it('make a subject of one line', () => {
    const event = { ...EVENT, title: 'Concert\r\nBcc: all@example.com\u0000' };
    const { subject } = templates.render('event-cancelled', { event });
    expect(subject).toBe('Event cancelled: Concert Bcc: all@example.com ');
  });

  it('render no template of a value', () => {
    const { text } = templates.render('event-cancelled', { event: { ...EVENT, title: '{{location}}{{/x}}' } });
    expect(text).toContain('{{location}}{{/x}}');
  });

  it('show times in UTC', () => {
    const changes = [{ field: 'date', from: '2026-11-30T18:00:00.000Z', to: '2026-12-01T19:00:00.000Z' }];
    const { text } = templates.render('event-changed', { event: EVENT, changes });
    expect(text).toContain('date: 2026-12-01 19:00 UTC (before: 2026-11-30 18:00 UTC)');
  });
});
