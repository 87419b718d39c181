import { useEffect, useRef, useState } from "preact/hooks";
import { serviceNow } from "./clock.ts";

/**
 * Return the service's time, milliseconds since 1970, told anew each `every` milliseconds while the page is seen, and
 * when `every` changes.
 */
export function useTime(every: number): number {
  const [time, setTime] = useState(serviceNow);
  const first = useRef(true);
  useEffect(() => {
    const tell = () => document.visibilityState === "visible" && setTime(serviceNow());
    if (!first.current) tell();
    first.current = false;
    const timer = setInterval(tell, every);
    document.addEventListener("visibilitychange", tell);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tell);
    };
  }, [every]);
  return time;
}
