import { buttonClasses } from './button';

/** @returns The name of the file of a result; null if it has none. */
export function fileNameOf(result: Record<string, unknown> | null | undefined): string | null {
  const name = result?.['file_name'];
  return typeof name === 'string' ? name : null;
}

/** A button that downloads the file of a result. */
export function Download({
  result,
  isSmall = false,
}: {
  result: Record<string, unknown> | null | undefined;
  isSmall?: boolean;
}) {
  const name = fileNameOf(result);
  if (name === null) return <span className="text-muted">–</span>;
  return (
    <a
      href={`/api/reports/${encodeURIComponent(name)}`}
      download
      aria-label={`Download ${name}`}
      className={buttonClasses('secondary', isSmall)}
    >
      Download
    </a>
  );
}
