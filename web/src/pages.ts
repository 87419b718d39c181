// Every page: where it is, what it is called, and how to load it. The service has the same paths (serving.py).
import type { ComponentType } from "preact";
import type { IconName } from "./ui/Icon.tsx";
import type { Role } from "./api/types.ts";

export interface Page {
  readonly path: string;
  /** In English: a key for t(). */
  readonly title: string;
  readonly icon: IconName;
  /** The letter that goes there after "g". */
  readonly key: string;
  /** Who sees it. */
  readonly role: Role;
  readonly load: () => Promise<{ default: ComponentType }>;
}

/** In the order of the navigation. */
export const PAGES: readonly Page[] = [
  {
    path: "/plants",
    title: "Plants",
    icon: "plants",
    key: "l",
    role: "viewer",
    load: () => import("./pages/plants/Plants.tsx"),
  },
  {
    path: "/reactors",
    title: "Reactors",
    icon: "reactors",
    key: "r",
    role: "viewer",
    load: () => import("./pages/reactors/Reactors.tsx"),
  },
  {
    path: "/points",
    title: "Points",
    icon: "points",
    key: "p",
    role: "viewer",
    load: () => import("./pages/points/Points.tsx"),
  },
];
