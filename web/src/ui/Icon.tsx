// Icons drawn by ourselves, as strokes of the text's colour. They never stand alone: a word is beside them, or read out.
import type { JSX } from "preact";

const STROKES = {
  overview: "M3 12 12 4l9 8M6 10v10h12V10",
  poe: "M5 4h14v12H5zM9 16v4M15 16v4M9 8v3M12 8v3M15 8v3",
  plants: "M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  reactors: "M9 3h6M10 3v6L5 19a1.5 1.5 0 0 0 1.3 2h11.4a1.5 1.5 0 0 0 1.3-2L14 9V3M7.5 15h9",
  points: "M4 18V9M9 18V5M14 18v-7M19 18V8M3 21h18",
  alarms: "M6 17V11a6 6 0 0 1 12 0v6l2 2H4zM10 21h4",
  incidents: "M12 3 2.5 20h19zM12 10v4M12 17v.5",
  notices: "M3 6h18v12H3zM3 7l9 7 9-7",
  audit: "M6 3h9l4 4v14H6zM14 3v5h5M9 12h6M9 16h6",
  users: "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3 20c0-3.5 2.5-6 6-6s6 2.5 6 6M15.5 4.5a3.2 3.2 0 0 1 0 6M17 14.5c2.5.7 4 2.8 4 5.5",
  "sign-in": "M14 4h6v16h-6M3 12h11M10 8l4 4-4 4",
  "sign-out": "M10 4H4v16h6M9 12h11M16 8l4 4-4 4",
  search: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l5 5",
  close: "M5 5l14 14M19 5 5 19",
  check: "M4 12.5 10 18 20 6",
  menu: "M4 6h16M4 12h16M4 18h16",
  sun: "M12 3v2M12 19v2M3 12h2M19 12h2M5.6 5.6 7 7M17 17l1.4 1.4M5.6 18.4 7 17M17 7l1.4-1.4M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  auto: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 3v18M12 7h5M12 12h8M12 17h5",
  language: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c-5 5-5 13 0 18M12 3c5 5 5 13 0 18",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.6 1.6M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.6-1.6",
  chart: "M4 4v16h16M7 15l4-5 3 3 5-7",
  edit: "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
  filter: "M4 5h16l-6 7v6l-4 2v-8z",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
  up: "M5 15l7-7 7 7",
  down: "M5 9l7 7 7-7",
  refresh: "M20 5v5h-5M4 19v-5h5M19 10a7.5 7.5 0 0 0-13-3M5 14a7.5 7.5 0 0 0 13 3",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
  help: "M9 9a3 3 0 1 1 4.2 2.8c-.8.4-1.2 1-1.2 2.2M12 17.5v.5M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  power: "M12 3v9M6.5 7a8 8 0 1 0 11 0",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3.5 2",
  bolt: "M13 3 5 14h6l-1 7 8-11h-6z",
  plus: "M12 5v14M5 12h14",
  minus: "M5 12h14",
  download: "M12 4v11M7 11l5 5 5-5M4 20h16",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  key: "M8 10a5 5 0 1 0 0 10 5 5 0 0 0 0-10zM11.5 11.500 20 3M16 7l3 3M7.500 15.500h.01",
  remove: "M4 7h16M9 7V4h6v3M6.500 7l1 13h9l1-13M10.500 11v5M13.500 11v5",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  "out-of-touch": "M4 4l16 16M8.5 15.5a5 5 0 0 1 6.3-.6M5 12a10 10 0 0 1 4-2.5M14.5 9.3A10 10 0 0 1 19 12M12 19h.01",
} as const;

export type IconName = keyof typeof STROKES;

interface Props {
  readonly name: IconName;
  /** Read out where no word stands beside the icon. */
  readonly label?: string;
}

/** An icon as high as the text. */
export function Icon({ name, label }: Props): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" role={label ? "img" : undefined} aria-label={label} aria-hidden={!label}>
      <path d={STROKES[name]} />
    </svg>
  );
}
