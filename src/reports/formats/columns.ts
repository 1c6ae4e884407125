/** The value of a cell by the kind of its column. */
interface CellValues {
  id: string;
  text: string;
  /** `YYYY-MM-DD` */
  date: string;
  integer: number;
  /** Integer cents. */
  money: number;
}

type ColumnKind = keyof CellValues;

/** A column of a report: its label and the kind of its cells, which decides how a format writes them. */
export interface Column<Kind extends ColumnKind = ColumnKind> {
  readonly label: string;
  readonly kind: Kind;
}

/** A row: one value for each column, in their order. */
export type Row<Columns extends readonly Column[] = readonly Column[]> = {
  readonly [Index in keyof Columns]: CellValues[Columns[Index]['kind']];
};

/** A column of identifiers that the service assigns: letters, digits and `-`, beginning with a letter or a digit. */
export const id = (label: string): Column<'id'> => ({ label, kind: 'id' });

/** A column of text, which may be anything. */
export const text = (label: string): Column<'text'> => ({ label, kind: 'text' });

/** A column of days, given as `YYYY-MM-DD`. */
export const date = (label: string): Column<'date'> => ({ label, kind: 'date' });

/** A column of whole numbers. */
export const integer = (label: string): Column<'integer'> => ({ label, kind: 'integer' });

/** A column of amounts, given as integer cents. */
export const money = (label: string): Column<'money'> => ({ label, kind: 'money' });
