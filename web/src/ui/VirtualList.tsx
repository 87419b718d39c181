// A list of thousands of rows, of which only those in sight exist.
import type { ComponentChildren, JSX } from "preact";
import { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

const BEYOND = 8; // rows kept above and below what is in sight

interface Props<R> {
  /** What it lists: read out. */
  readonly label: string;
  readonly rows: readonly R[];
  readonly rowKey: (row: R) => string;
  /** Height of every row in CSS pixels. */
  readonly rowHeight: number;
  readonly render: (row: R, index: number) => ComponentChildren;
  /** Enter or a click on a row. */
  readonly onOpen?: (row: R) => void;
  /** What other keys do with the row that is active: " ", "c" … */
  readonly keys?: Readonly<Record<string, (row: R) => void>>;
  readonly rowClass?: (row: R) => string;
  /** A row of column headers, role="row", that stays above the rows. */
  readonly header?: ComponentChildren;
}

/**
 * Rows of one height in a frame that scrolls. By keyboard: up, down, page up, page down, home, end, Enter.
 * Keyboard and scrolling hold to a row, not to a place: what comes in above moves neither.
 * Rows are a grid of one column to assistive technology, with their positions, so that it knows of those out of sight.
 */
export function VirtualList<R>(props: Props<R>): JSX.Element {
  const { label, rows, rowKey, rowHeight, render, onOpen, keys, rowClass, header } = props;
  const frame = useRef<HTMLDivElement>(null);
  const id = useId();
  const [{ first, count }, setWindow] = useState({ first: 0, count: 40 });
  const [active, setActive] = useState<string | null>(null);
  const found = useMemo(() => rows.findIndex((row) => rowKey(row) === active), [rows, active]);
  const place = useRef(0);
  if (found >= 0) place.current = found;
  // Where its row is gone, arrows go on from where it was, but nothing is opened that nobody chose.
  const at = Math.min(place.current, Math.max(0, rows.length - 1));
  const activate = (index: number) => {
    const row = rows[index];
    if (row !== undefined) setActive(rowKey(row));
  };
  const anchor = useRef<{ readonly key: string; readonly over: number } | null>(null);

  const measure = useCallback(() => {
    const element = frame.current;
    if (!element) return;
    const top = Math.max(0, Math.floor(element.scrollTop / rowHeight) - BEYOND);
    const fits = Math.ceil(element.clientHeight / rowHeight) + 2 * BEYOND;
    setWindow((old) => (old.first === top && old.count === fits ? old : { first: top, count: fits }));
  }, [rowHeight]);

  /** Remember which row is the first in sight, and how much of it is out of it. */
  const holdTop = () => {
    const scrolled = frame.current?.scrollTop ?? 0;
    const index = Math.floor(scrolled / rowHeight);
    const row = rows[index];
    anchor.current = scrolled > 0 && row !== undefined ? { key: rowKey(row), over: scrolled - index * rowHeight } : null;
  };
  useLayoutEffect(() => {
    const held = anchor.current;
    const index = held === null ? -1 : rows.findIndex((row) => rowKey(row) === held.key);
    if (frame.current && held && index >= 0) frame.current.scrollTop = index * rowHeight + held.over;
    holdTop();
    measure();
  }, [measure, rows]);
  useEffect(() => {
    const element = frame.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [measure]);

  const moveTo = (index: number) => {
    const element = frame.current;
    if (!element || rows.length === 0) return;
    const next = Math.min(rows.length - 1, Math.max(0, index));
    activate(next);
    const head = element.querySelector<HTMLElement>(".list-header")?.offsetHeight ?? 0;
    const above = next * rowHeight;
    if (above < element.scrollTop) element.scrollTop = above;
    else if (above + rowHeight + head > element.scrollTop + element.clientHeight) {
      element.scrollTop = above + rowHeight + head - element.clientHeight;
    }
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((frame.current?.clientHeight ?? 0) / rowHeight) - 1);
    const to = { ArrowDown: found < 0 ? at : at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 }[event.key];
    const row = rows[found];
    if (to !== undefined) moveTo(to);
    else if (event.key === "Enter" && row !== undefined && onOpen) onOpen(row);
    else if (row !== undefined && keys?.[event.key]) keys[event.key]?.(row);
    else return;
    event.preventDefault();
  };

  const start = Math.min(first, Math.max(0, rows.length - count));
  const seen = rows.slice(start, start + count);
  return (
    <div
      ref={frame}
      class="virtual"
      role="grid"
      aria-label={label}
      aria-rowcount={rows.length + (header === undefined ? 0 : 1)}
      aria-activedescendant={found >= start && found < start + seen.length ? `${id}-${found}` : undefined}
      tabIndex={0}
      onFocus={(event) => event.target === event.currentTarget && found < 0 && activate(at)}
      onScroll={() => {
        holdTop();
        measure();
      }}
      onKeyDown={onKeyDown}
    >
      {header !== undefined && (
        <div class="list-header" role="rowgroup">
          {header}
        </div>
      )}
      <div class="all" role="rowgroup" style={{ height: `${rows.length * rowHeight}px` }}>
        {seen.map((row, offset) => {
          const index = start + offset;
          return (
            <div
              key={rowKey(row)}
              id={`${id}-${index}`}
              role="row"
              aria-rowindex={index + (header === undefined ? 1 : 2)}
              class={`list-row ${index === found ? "active" : ""} ${onOpen ? "opens" : ""} ${rowClass?.(row) ?? ""}`}
              style={{ transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
              onClick={(event) => {
                activate(index);
                const on = event.target instanceof Element ? event.target : null;
                if (onOpen && !on?.closest("a, button, input, label, select")) onOpen(row);
              }}
            >
              {render(row, index)}
            </div>
          );
        })}
      </div>
    </div>
  );
}
