import assert from "node:assert/strict";
import { test } from "node:test";
import { placeOfOurs } from "./link.ts";

const ORIGIN = "http://watch.example:8080";

test("who signed in comes back to where they were", () => {
  for (const place of ["/", "/alarms", "/alarms?view=figures", "/points?name=a%2Fb&q=%2F%2Fx", "/a//b", "/?to=//b"]) {
    assert.equal(placeOfOurs(place, ORIGIN), place);
  }
  assert.equal(placeOfOurs(`${ORIGIN}/plants?plant=1#top`, ORIGIN), "/plants?plant=1");
});

test("and nowhere else, whatever the link says", () => {
  for (const to of [
    "/.//evil.example",
    "/..//evil.example/x",
    "/x/..//evil.example",
    "/.\\\\evil.example",
    "//evil.example/",
    "/\\evil.example",
    "\t//evil.example",
    "https://evil.example/",
    `${ORIGIN}//evil.example`,
    `${ORIGIN}.evil.example/`,
    "http://",
    "http://[",
    "javascript:alert(1)",
    "data:text/html,x",
    "/sign-in",
    "/sign-in?to=/alarms",
    "",
  ]) {
    assert.equal(placeOfOurs(to, ORIGIN), "/", to);
  }
});
