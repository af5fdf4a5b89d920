/** Saves rows as a file of the browser's: CSV (RFC 4180) or JSON. */
type Value = string | number | boolean | null;

export function saveRows(
  name: string,
  format: 'csv' | 'json',
  columns: readonly string[],
  rows: readonly (readonly Value[])[],
): void {
  const text = format === 'csv' ? toCsv(columns, rows) : toJson(columns, rows);
  const type = format === 'csv' ? 'text/csv' : 'application/json';
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.${format}`;
  link.click();
  URL.revokeObjectURL(url);
}

function toCsv(columns: readonly string[], rows: readonly (readonly Value[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(toField).join(',')}\r\n`).join('');
}

/** A field that a spreadsheet would take for a formula gets an apostrophe in front. */
function toField(value: Value): string {
  if (value === null) return '';
  const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function toJson(columns: readonly string[], rows: readonly (readonly Value[])[]): string {
  return JSON.stringify(
    rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]]))),
    null,
    2,
  );
}
