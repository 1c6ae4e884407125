import { z } from 'zod';

const settingView = z
  .object({
    name: z.string().describe('Name of the environment variable'),
    section: z.string().describe('Group of settings that belong together, such as `callbacks`'),
    value: z
      .string()
      .nullable()
      .describe(
        'In the form in which it is set, such as `10s`; null for none. Null for a secret, and `***` for a password in a URL',
      ),
    source: z.enum(['default', 'environment', 'file']).describe('`file`: the `.env` of the working directory'),
    is_secret: z.boolean(),
    description: z.string(),
  })
  .meta({ id: 'Setting' });

export const settingList = z.object({ settings: z.array(settingView) }).meta({ id: 'SettingList' });
