/**
 * Our Lightning component under the linter and the template compiler that Salesforce publishes for such.
 *
 * `make test-native` runs it. Nothing is run in a browser: what is checked is that an org would take it and
 * that it keeps to the rules of @salesforce/eslint-config-lwc, the recommended set.
 */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { compile } from '@lwc/template-compiler';
import recommended from '@salesforce/eslint-config-lwc/recommended.js';
import { ESLint } from 'eslint';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const BUNDLES = join(ROOT, 'integration/salesforce/package/core/lwc');

/** Return the files of all bundles with an ending, each as its path. */
async function files(ending) {
  const found = await readdir(BUNDLES, { recursive: true });
  return found.filter((one) => one.endsWith(ending)).sort().map((one) => join(BUNDLES, one));
}

/** Return what the linter says against a module, as rules. */
async function mistakes(text, filePath) {
  // No comment in a file may turn a rule off.
  const options = { cwd: BUNDLES, overrideConfigFile: true, overrideConfig: recommended, allowInlineConfig: false };
  const [result] = await new ESLint(options).lintText(text, { filePath });
  return result.messages.map((one) => `${one.ruleId ?? 'error'}: ${one.message}`);
}

/** Return what the template compiler says against a template. */
function warnings(text, name) {
  return compile(text, `${name}.html`, { name, namespace: 'c' }).warnings.map((one) => one.message);
}

test('the linter finds nothing', async () => {
  const modules = await files('.js');
  assert.deepEqual(modules.map((one) => one.slice(BUNDLES.length + 1)), ['csHealthCard/csHealthCard.js']);
  for (const path of modules) assert.deepEqual(await mistakes(await readFile(path, 'utf-8'), path), []);
});

test('the linter would find what Salesforce warns of', async () => {
  const [path] = await files('.js');
  const text = await readFile(path, 'utf-8');
  const planted = {
    'no-eval': text.replace('return !this.profile.data', "eval('1');\n        return !this.profile.data"),
    '@lwc/lwc/no-inner-html': text.replace('return !this.profile.data', 'this.template.innerHTML = "";\n        return !this.profile.data'),
    '@lwc/lwc/no-api-reassignments': text.replace('return !this.profile.data', 'this.recordId = "";\n        return !this.profile.data'),
  };
  for (const [rule, broken] of Object.entries(planted)) {
    assert.notEqual(broken, text);
    const found = await mistakes(broken, path);
    assert.ok(found.some((one) => one.startsWith(rule)), `${rule}: ${found}`);
  }
});

test('the template compiles', async () => {
  for (const path of await files('.html')) {
    const text = await readFile(path, 'utf-8');
    assert.deepEqual(warnings(text, 'csHealthCard'), []);
    assert.notDeepEqual(warnings(text.replace('lwc:elseif={profile.error}', 'lwc:elseif="error"'), 'csHealthCard'), []);
    assert.notDeepEqual(warnings(text.replace('</ul>', ''), 'csHealthCard'), []);
  }
});
