import type { ComponentChildren, JSX } from "preact";
import type { Severity } from "../api/types.ts";
import { SeverityMark } from "./Severity.tsx";

interface Props {
  readonly title: ComponentChildren;
  /** The level of its heading below the page's h1. */
  readonly level?: 2 | 3;
  readonly severity?: Severity;
  /** What stands to the right of the title: buttons, a badge. */
  readonly aside?: ComponentChildren;
  /** Where its title leads. */
  readonly href?: string;
  readonly class?: string;
  readonly children?: ComponentChildren;
}

/** A surface with a title: a plant, a switch, a part of a page. Its edge shows a severity that is not normal. */
export function Tile(props: Props): JSX.Element {
  const { title, level = 2, severity, aside, href, children } = props;
  const Heading = level === 2 ? "h2" : "h3";
  return (
    <section class={`tile ${severity && severity !== "NO_ALARM" ? severity : ""} ${props.class ?? ""}`}>
      <header>
        {severity && severity !== "NO_ALARM" && <SeverityMark severity={severity} />}
        <Heading class="cut">{href ? <a href={href}>{title}</a> : title}</Heading>
        {aside !== undefined && <div class="aside row">{aside}</div>}
      </header>
      {children}
    </section>
  );
}

interface FigureProps {
  readonly label: ComponentChildren;
  readonly children: ComponentChildren;
}

/** One figure with its name above it, for rows of figures: wrap several in <dl class="figures">. */
export function Figure({ label, children }: FigureProps): JSX.Element {
  return (
    <div class="figure">
      <dt>{label}</dt>
      <dd class="number">{children}</dd>
    </div>
  );
}

interface EmptyProps {
  readonly title: ComponentChildren;
  /** How to get some. */
  readonly children?: ComponentChildren;
}

/** What stands where there is nothing: why, and how to add some. */
export function EmptyState({ title, children }: EmptyProps): JSX.Element {
  return (
    <div class="empty stack">
      <p class="title">{title}</p>
      {children}
    </div>
  );
}
