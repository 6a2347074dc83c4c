import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Profile } from '../profile.js';
import { profileToData } from '../profile-data.js';
import type { DashboardData, DashboardExtra } from './extra.js';
import { pageScript } from './page-script.js';
import { PAGE_STYLE } from './page-style.js';

let script: string | undefined;

/**
 * One HTML file that needs nothing else: no network, no server. The first profile is shown; with a second one also what
 * differs between them; more can be opened on the page. Its policy lets run only the page's own script, whatever the names
 * in a profile say.
 */
export function renderDashboard(profiles: Profile | readonly Profile[], extra: DashboardExtra = {}): string {
  script ??= pageScript(createRequire(import.meta.url).resolve('@armilla/gpu-core/dashboard-page'));
  const list = 'spans' in profiles ? [profiles] : profiles;
  const data: DashboardData = { profiles: list.map(profileToData), extra };
  const policy = [
    "default-src 'none'",
    `script-src '${hashOf(script)}'`,
    `style-src '${hashOf(PAGE_STYLE)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy.join('; ')}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Armilla profile</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main id="page"><noscript>This page draws its figures itself and needs JavaScript.</noscript></main>
<script type="application/json" id="data">${escapeJson(JSON.stringify(data))}</script>
<script>${script}</script>
</body>
</html>
`;
}

/** JSON that cannot end the element that holds it, nor begin a comment in it. */
function escapeJson(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
