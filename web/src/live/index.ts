// Live data for pages: `const live = useLive({ points: { q: "pH" }, watch: ["links"] })`.
//
// A page has one stream, whoever asks for something of it: what the shell follows (alarms, health) and what the page
// asks for are put together into one address, and the stream is opened anew only where that changes.
import { useEffect } from "preact/hooks";
import { refreshSession, sessionEnded } from "../api/session.ts";
import { Connection } from "./connection.ts";
import { EVENTS, streamAddress, type PointSelection, type Watched } from "./events.ts";
import { Live, type LivePoint } from "./live.ts";

export type { Touch } from "./connection.ts";
export type { Health, NoticesEvent, PointSelection, Watched } from "./events.ts";
export type { Live, LivePoint } from "./live.ts";

/** What somebody wants to follow. */
export interface LiveWish {
  readonly points?: PointSelection;
  readonly watch?: readonly Watched[];
}

/** The one that exists. */
export const live = new Live();

const wishes = new Set<LiveWish>();
const connection = new Connection(live, EVENTS);
let opened = "";
let openedPoints = "";
let settling = false;

/** Follow what `wish` says while the component is shown; return what is known. Only one component asks for points. */
export function useLive(wish: LiveWish): Live {
  const key = JSON.stringify(wish);
  useEffect(() => {
    const mine = JSON.parse(key) as LiveWish;
    wishes.add(mine);
    settle();
    return () => {
      wishes.delete(mine);
      settle();
    };
  }, [key]);
  return live;
}

/** Return a point's reading, and render again when it changes; undefined until the stream has said it. */
export function usePoint(name: string): LivePoint | undefined {
  return live.point(name).value;
}

/** Open the stream for what is wanted now; after all who come and go together have done so. */
function settle(): void {
  if (settling) return;
  settling = true;
  queueMicrotask(() => {
    settling = false;
    if (wishes.size === 0) {
      opened = "";
      connection.close();
      return;
    }
    const all = [...wishes];
    const points = all.find((wish) => wish.points)?.points ?? false;
    const address = streamAddress(points, all.flatMap((wish) => wish.watch ?? []));
    if (address === opened) return;
    const pointsKey = JSON.stringify(points);
    if (pointsKey !== openedPoints) live.forgetPoints();
    opened = address;
    openedPoints = pointsKey;
    connection.open(address);
  });
}

/** How long a page may be hidden before it gives its stream back: to look into another window for a moment costs nothing. */
const HIDDEN_MS = 15_000;
const ASK_AGAIN_MS = 15_000;

/**
 * Notice that the machine woke up, that nobody looks at the page, or that the session ended. Called once.
 *
 * A browser shares six HTTP/1.1 connections to a service among all its windows: streams of those that nobody looks at
 * would leave none for requests.
 */
export function startLive(): void {
  let rest: ReturnType<typeof setTimeout> | undefined;
  const wake = () => {
    clearTimeout(rest);
    if (document.visibilityState === "visible") connection.wake();
    else rest = setTimeout(() => connection.rest(), HIDDEN_MS);
  };
  wake();
  document.addEventListener("visibilitychange", wake);
  for (const event of ["online", "pageshow", "focus"]) addEventListener(event, wake);
  live.touch.subscribe((touch) => {
    if (touch === "lost") void refreshSession(); // a stream cannot say 401
  });
  // Nor does it become lost anew where the service was away when it was asked.
  setInterval(() => live.touch.peek() === "lost" && document.visibilityState === "visible" && void refreshSession(), ASK_AGAIN_MS);
  sessionEnded.subscribe((ended) => {
    if (!ended) wake();
  });
}
