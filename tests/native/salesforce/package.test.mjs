/**
 * Our Salesforce package under Salesforce's own tools: its source conversion and its Code Analyzer.
 *
 * `make test-native` runs it. The project is written by `colonnade salesforce project`; nothing leaves
 * this machine. Code Analyzer is driven by its core, with the engines that have rules for files like
 * these (PMD with the AppExchange rules, regex, RetireJS). The graph engine reads Apex, and the package has
 * none; its one module has the linter of `lwc.test.mjs`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { CodeAnalyzer, CodeAnalyzerConfig } from '@salesforce/code-analyzer-core';
import * as pmd from '@salesforce/code-analyzer-pmd-engine';
import * as regex from '@salesforce/code-analyzer-regex-engine';
import * as retireJs from '@salesforce/code-analyzer-retirejs-engine';
import { ComponentSet, MetadataConverter } from '@salesforce/source-deploy-retrieve';
import { XMLParser } from 'fast-xml-parser';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const PYTHON = process.env.PYTHON ?? join(ROOT, '.venv/bin/python');
const SELECTORS = ['AppExchange', 'Recommended:Security'];
// The rule takes every field with "key" in its name for a secret. The key is a record's name, holds nothing
// secret and must be readable, so each file says so by a marker (docs/salesforce-package.md, "Security review").
const SUPPRESSED = ['CS_Milestone__c', 'CS_Plan__c', 'CS_Profile__c', 'CS_Snapshot__c'].map(
  (name) => `ProtectSensitiveData core/objects/${name}/fields/CS_Key__c.field-meta.xml`,
);

let folder, project;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'package-'));
  project = join(folder, 'project');
  const messages = ['--messages', 'https://cs.example.com/webhooks/salesforce/salesforce-00D/secret', '--messages-user', 'us@example.com'];
  const options = ['--out', project, '--archive', join(folder, 'deploy.zip'), '--events', ...messages, '--contact-email', 'a@example.com'];
  const env = { ...process.env, CS_HOME: join(folder, 'home') };
  execFileSync(PYTHON, [join(dirname(PYTHON), 'colonnade'), 'salesforce', 'project', ...options], { cwd: ROOT, env, stdio: 'pipe' });
});

after(() => rm(folder, { recursive: true }));

/** Return the paths of all files below a folder. */
async function files(below) {
  const found = await readdir(below, { recursive: true, withFileTypes: true });
  return found.filter((one) => one.isFile()).map((one) => relative(below, join(one.parentPath, one.name))).sort();
}

/** Return a document's content with everything repeated in one order. */
function content(text) {
  const sorted = (value) => {
    if (Array.isArray(value)) return value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
  };
  return sorted(new XMLParser({ parseTagValue: false, ignoreDeclaration: true }).parse(text));
}

async function convert(sources, out) {
  const set = ComponentSet.fromSource(sources);
  const options = { type: 'directory', outputDirectory: out, genUniqueDir: false };
  await new MetadataConverter().convert(set, 'metadata', options);
}

test('our archive is what Salesforce converts the source to, file by file', async () => {
  const theirs = join(folder, 'converted'), ours = join(folder, 'archive');
  await convert(['core', 'dashboards', 'generated', 'messages'].map((part) => join(project, part)), theirs);
  execFileSync(PYTHON, ['-m', 'zipfile', '-e', join(folder, 'deploy.zip'), ours]);
  assert.deepEqual(await files(ours), await files(theirs));
  for (const name of await files(ours)) {
    const [mine, others] = await Promise.all([ours, theirs].map(async (where) => content(await readFile(join(where, name), 'utf-8'))));
    if (name === 'package.xml') {
      delete mine.Package.version;
      delete others.Package.version;
    }
    assert.deepEqual(mine, others, name);
  }
});

test('the parts that deploy on their own convert too', async () => {
  for (const part of ['events', 'connect']) {
    await convert([join(project, part)], join(folder, part));
    assert.equal((await files(join(folder, part))).length, (await files(join(project, part))).length + 1);
  }
});

/** Return the findings of severity 1 to 3 in a folder, as rule and path; by default as the review's command does. */
async function findings(where, config = CodeAnalyzerConfig.withDefaults()) {
  const analyzer = new CodeAnalyzer(config);
  for (const engine of [pmd, regex, retireJs]) await analyzer.addEnginePlugin(engine.createEnginePlugin());
  const workspace = await analyzer.createWorkspace([where]);
  const rules = await analyzer.selectRules(SELECTORS, { workspace });
  assert.ok(rules.getCount() >= 10, 'the selectors find rules');
  const result = await analyzer.run(rules, { workspace });
  const grave = result.getViolations().filter((one) => one.getRule().getSeverityLevel() <= 3);
  return grave.map((one) => `${one.getRule().getName()} ${relative(where, one.getPrimaryLocation().getFile())}`).sort();
}

test('Code Analyzer finds nothing', async () => {
  assert.deepEqual(await findings(project), []);
});

test('markers hide nothing but the four names taken for secrets', async () => {
  const withoutMarkers = CodeAnalyzerConfig.fromObject({ suppressions: { disable_suppressions: true } });
  assert.deepEqual(await findings(project, withoutMarkers), SUPPRESSED);
});

test('Code Analyzer would find an address without TLS', async () => {
  const planted = join(folder, 'planted');
  await cp(join(project, 'connect'), planted, { recursive: true });
  await mkdir(join(planted, 'remoteSiteSettings'));
  const site = '<?xml version="1.0" encoding="UTF-8"?>\n<RemoteSiteSetting xmlns="http://soap.sforce.com/2006/04/metadata">'
    + '<disableProtocolSecurity>true</disableProtocolSecurity><isActive>true</isActive><url>http://example.com</url></RemoteSiteSetting>\n';
  await writeFile(join(planted, 'remoteSiteSettings/Plain.remoteSite-meta.xml'), site);
  assert.notDeepEqual(await findings(planted), []);
});
