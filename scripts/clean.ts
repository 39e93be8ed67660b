import { rmSync } from "node:fs";

// What `npm run build` makes anew.
rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
