/**
 * The Salesforce sandbox as jsforce sees it, a client of others that speaks plain HTTP.
 *
 * `make test-native` runs it: it starts the sandbox as a process of its own, on a free port and a fresh
 * file, and ends it. The client is pointed at it by `instanceUrl`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import jsforce from 'jsforce';
import JSZip from 'jszip';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const PYTHON = process.env.PYTHON ?? join(ROOT, '.venv/bin/python');
const VERSION = '66.0';
const REDIRECT = 'https://app.example/callback';
const DAY = 86_400_000;

let sandbox, folder, url, conn, oauth2;

async function control(path, body) {
  const method = body === undefined ? 'GET' : 'POST';
  const answer = await fetch(`${url}/_sandbox${path}`, { method, body: JSON.stringify(body) });
  assert.equal(answer.status, 200);
  return answer.json();
}

async function token(form) {
  const answer = await fetch(`${url}/services/oauth2/token`, { method: 'POST', body: new URLSearchParams(form) });
  assert.equal(answer.status, 200);
  return answer.json();
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  const options = ['--port', '0', '--db', join(folder, 'salesforce.db')];
  sandbox = spawn(PYTHON, ['-m', 'sandbox.salesforce', ...options], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  url = await new Promise((ready, failed) => {
    sandbox.on('exit', (code) => failed(new Error(`the sandbox ended with ${code}`)));
    sandbox.stdout.on('data', (text) => ready(String(text).trim().split(' ')[1]));
  });
  const app = { client_id: 'node', client_secret: 'secret' };
  await control('/app', { consumer_key: app.client_id, client_secret: app.client_secret });
  const { access_token: accessToken } = await token({ grant_type: 'client_credentials', ...app });
  conn = new jsforce.Connection({ instanceUrl: url, accessToken, version: VERSION });
  oauth2 = { loginUrl: url, clientId: app.client_id, clientSecret: app.client_secret, redirectUri: REDIRECT };
});

after(async () => {
  sandbox.removeAllListeners('exit');
  sandbox.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const account = async (values = {}) => (await conn.sobject('Account').create({ Name: 'J', ...values })).id;
const refused = (code) => (error) => error.errorCode === code;

test('a record is made, read, changed and deleted', async () => {
  const api = conn.sobject('Account');
  const id = await account({ Industry: 'Energy' });
  assert.match(id, /^001[A-Za-z0-9]{15}$/);
  assert.equal((await api.retrieve(id)).Industry, 'Energy');
  assert.deepEqual(await api.update({ Id: id, Website: 'https://j.example' }), { id, success: true, errors: [] });
  assert.equal((await api.retrieve(id)).Website, 'https://j.example');
  assert.equal((await api.destroy(id)).success, true);
  await assert.rejects(api.retrieve(id), refused('ENTITY_IS_DELETED'));
});

test('an object and the org are described', async () => {
  const fields = Object.fromEntries((await conn.sobject('Opportunity').describe()).fields.map((one) => [one.name, one]));
  assert.deepEqual([fields.CloseDate.type, fields.AccountId.referenceTo], ['date', ['Account']]);
  const { sobjects } = await conn.describeGlobal();
  assert.ok(sobjects.some((one) => one.name === 'Account' && one.keyPrefix === '001'));
});

test('a collection is created, read, updated and deleted', async () => {
  const api = conn.sobject('Contact');
  const made = await api.create([1, 2, 3].map((number) => ({ LastName: `Collected ${number}` })));
  assert.deepEqual(made.map((one) => one.success), [true, true, true]);
  const ids = made.map((one) => one.id);
  assert.deepEqual((await api.retrieve(ids)).map((one) => one.LastName), ['Collected 1', 'Collected 2', 'Collected 3']);
  const [changed, bad] = await api.update([{ Id: ids[0], Title: 'CTO' }, { Id: ids[1], Nope: '1' }]);
  assert.deepEqual([changed.success, bad.success, bad.errors[0].statusCode], [true, false, 'INVALID_FIELD']);
  assert.deepEqual((await api.destroy(ids)).map((one) => one.success), [true, true, true]);
});

test('a query is paged through by queryMore', async () => {
  const rows = Array.from({ length: 2200 }, (_, number) => ({ LastName: `Paged ${number}` }));
  for (let at = 0; at < rows.length; at += 200) await conn.sobject('Contact').create(rows.slice(at, at + 200));
  const first = await conn.query("SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Paged %'");
  assert.deepEqual([first.totalSize, first.done, first.records.length], [2200, false, 2000]);
  const rest = await conn.queryMore(first.nextRecordsUrl);
  assert.deepEqual([rest.done, rest.records.length], [true, 200]);
  assert.equal(new Set([...first.records, ...rest.records].map((one) => one.Id)).size, 2200);
  await assert.rejects(conn.query('SELECT Nope FROM Account'), refused('INVALID_FIELD'));
});

test('a chain of find, where, sort and limit is the SOQL it says', async () => {
  const id = await account({ Name: 'Chained', Industry: 'Media' });
  const found = await conn.sobject('Account').find({ Industry: 'Media', Name: { $like: 'Chain%' } }, ['Id', 'Name']).sort({ Name: 1 }).limit(5);
  assert.deepEqual(found.map((one) => one.Id), [id]);
});

test('a record is written by its external id', async () => {
  await deploy();
  const api = conn.sobject('Account');
  const first = await api.upsert({ Node_Key__c: 'n1', Name: 'Keyed' }, 'Node_Key__c');
  const again = await api.upsert({ Node_Key__c: 'n1', Name: 'Keyed again' }, 'Node_Key__c');
  assert.deepEqual([first.created, again.created, again.id], [true, false, first.id]);
  const many = await api.upsert([{ Node_Key__c: 'n1', Name: 'K' }, { Node_Key__c: 'n2', Name: 'N' }], 'Node_Key__c');
  assert.deepEqual(many.map((one) => one.created), [false, true]);
});

test('subrequests of a composite refer to one another', async () => {
  const path = `/services/data/v${VERSION}/sobjects`;
  const { compositeResponse: [made, child] } = await conn.request({
    method: 'POST', url: '/composite', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ allOrNone: true, compositeRequest: [
      { method: 'POST', url: `${path}/Account`, referenceId: 'parent', body: { Name: 'Composite' } },
      { method: 'POST', url: `${path}/Contact`, referenceId: 'child', body: { LastName: 'C', AccountId: '@{parent.id}' } },
    ] }),
  });
  assert.deepEqual([made.httpStatusCode, child.httpStatusCode], [201, 201]);
  assert.equal((await conn.sobject('Contact').retrieve(child.body.id)).AccountId, made.body.id);
});

test('Bulk 2.0 takes rows, tells the bad ones apart, and gives them back', async () => {
  conn.bulk2.pollInterval = 20;
  conn.bulk2.pollTimeout = 20_000;
  const input = ['Bulk 1', '', 'Bulk 3'].map((Name) => ({ Name, Industry: 'Media' }));
  const results = await conn.bulk2.loadAndWaitForResults({ object: 'Account', operation: 'insert', input });
  assert.deepEqual(results.successfulResults.map((one) => one.Name).sort(), ['Bulk 1', 'Bulk 3']);
  assert.match(results.failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING/);
  const found = await (await conn.bulk2.query("SELECT Id, Name FROM Account WHERE Name LIKE 'Bulk %'")).toArray();
  assert.deepEqual(found.map((one) => one.Name).sort(), ['Bulk 1', 'Bulk 3']);
});

test('what changed and what went is listed by time', async () => {
  const [kept, gone] = [await account(), await account()];
  await conn.sobject('Account').destroy(gone);
  const { now } = await control('/clock');
  const [start, end] = [new Date(Date.parse(now) - DAY), new Date(Date.parse(now) + 60_000)];
  const updated = await conn.sobject('Account').updated(start, end);
  assert.ok(updated.ids.includes(kept) && updated.latestDateCovered);
  const deleted = await conn.sobject('Account').deleted(start, end);
  assert.ok(deleted.deletedRecords.some((one) => one.id === gone));
});

test('limits count the calls, and every answer says so', async () => {
  const { DailyApiRequests: day } = await conn.limits();
  const after = (await conn.limits()).DailyApiRequests;
  assert.equal(after.Remaining, day.Remaining - 1);
  assert.equal(conn.limitInfo.apiUsage.used, after.Max - after.Remaining);
});

test('an ended session is renewed by the refresh token, and the call made again', async () => {
  const pair = new jsforce.OAuth2({ ...oauth2, useVerifier: true });
  const asked = await fetch(pair.getAuthorizationUrl({}), { redirect: 'manual' });
  const code = new URL(asked.headers.get('location')).searchParams.get('code');
  const given = await pair.requestToken(code);
  const stale = new jsforce.Connection({
    oauth2, instanceUrl: url, version: VERSION, accessToken: 'ended', refreshToken: given.refresh_token,
  });
  const renewed = [];
  stale.on('refresh', (accessToken, answer) => renewed.push(answer.refresh_token));
  assert.ok((await stale.limits()).DailyApiRequests.Max > 0);
  assert.deepEqual(renewed.map((one) => typeof one), ['string']);
  await assert.rejects(pair.refreshToken(given.refresh_token), (error) => error.name === 'invalid_grant');
});

/** Give accounts an external id by a deploy, and the API user the right to see it. */
async function deploy() {
  const xml = (type, body) => `<?xml version="1.0" encoding="UTF-8"?>
<${type} xmlns="http://soap.sforce.com/2006/04/metadata">${body}</${type}>`;
  const right = '<fieldPermissions><editable>true</editable><field>Account.Node_Key__c</field><readable>true</readable></fieldPermissions>';
  const files = {
    'package.xml': xml('Package', '<types><members>Account.Node_Key__c</members><name>CustomField</name></types>'
      + `<types><members>Node</members><name>PermissionSet</name></types><version>${VERSION}</version>`),
    'objects/Account.object': xml('CustomObject', '<fields><fullName>Node_Key__c</fullName><label>Node Key</label>'
      + '<type>Text</type><length>80</length><externalId>true</externalId><unique>true</unique></fields>'),
    'permissionsets/Node.permissionset': xml('PermissionSet', `${right}<label>Node</label>`),
  };
  const zip = new JSZip();
  for (const [name, text] of Object.entries(files)) zip.file(name, text);
  const archive = await zip.generateAsync({ type: 'nodebuffer' });
  const { id } = await conn.metadata.deployRest(archive, { rollbackOnError: true });
  let done = await conn.metadata.checkDeployStatus(id, true, true);
  while (!done.done) done = await conn.metadata.checkDeployStatus(id, true, true);
  assert.equal(done.status, 'Succeeded', JSON.stringify(done.details));
  const { records: [set] } = await conn.query("SELECT Id FROM PermissionSet WHERE Name = 'Node'");
  const { user_id: AssigneeId } = await control('/credentials');
  await conn.sobject('PermissionSetAssignment').create({ AssigneeId, PermissionSetId: set.Id });
}
