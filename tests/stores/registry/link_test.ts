import { test } from "node:test";
import assert from "node:assert/strict";
import { nextLink } from "../../../src/stores/registry/link.ts";

test("nextLink() finds the link to the next page", () => {
  for (
    const header of [
      '</v2/a/referrers/b?n=1>; rel="next"',
      "</v2/a/referrers/b?n=1>; rel=next",
      '</first>; rel="first", </v2/a/referrers/b?n=1>; title="a, <b>"; rel="next last"',
      "</v2/a/referrers/b?n=1>;REL=NEXT",
    ]
  ) assert.equal(nextLink(header), "/v2/a/referrers/b?n=1", header);
});

test("nextLink() finds none where there is none", () => {
  for (
    const header of [
      null,
      "",
      "</a>",
      '</a>; rel="prev"',
      "</a>; rel=nextish",
      "</a; rel=next",
      `${"<".repeat(16 << 10)}>; rel=next`,
    ]
  ) assert.equal(nextLink(header), undefined, header ?? "null");
});
