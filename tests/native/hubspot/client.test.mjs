/**
 * The HubSpot sandbox as HubSpot's own Node client sees it (@hubspot/api-client, v3 and v4 paths).
 *
 * `make test-native` runs it: it starts the sandbox as a process of its own, on a free port and a
 * fresh file, and ends it. The client is pointed at it by `basePath` and repeats nothing.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '@hubspot/api-client';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');
const PYTHON = process.env.PYTHON ?? join(ROOT, '.venv/bin/python');
const DEAL = { dealname: 'D', dealstage: 'qualifiedtobuy', pipeline: 'default' };

let sandbox, folder, url, credentials, client;

async function control(path, body) {
  const method = body === undefined ? 'GET' : 'POST';
  const answer = await fetch(`${url}/_sandbox${path}`, { method, body: JSON.stringify(body) });
  assert.equal(answer.status, 200);
  return answer.json();
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'));
  const options = ['--db', join(folder, 'hubspot.db'), '--index-lag-seconds', '0.3'];
  sandbox = spawn(PYTHON, ['-m', 'sandbox.hubspot', ...options], { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
  url = await new Promise((ready, failed) => {
    sandbox.on('exit', (code) => failed(new Error(`the sandbox ended with ${code}`)));
    sandbox.stdout.on('data', (text) => ready(String(text).trim().split(' ')[1]));
  });
  credentials = await control('/credentials');
  client = new Client({ accessToken: credentials.service_key, basePath: url, numberOfApiCallRetries: 0 });
});

after(async () => {
  sandbox.removeAllListeners('exit');
  sandbox.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

const company = async (properties = {}) =>
  (await client.crm.companies.basicApi.create({ properties: { name: 'C', ...properties }, associations: [] })).id;

const property = (objectType, groupName, name, more = {}) =>
  client.crm.properties.coreApi.create(objectType, {
    name, label: name, type: 'string', fieldType: 'text', groupName, ...more,
  });

test('a company is made, read, changed and deleted', async () => {
  const api = client.crm.companies.basicApi;
  const id = await company({ domain: 'node.example' });
  const read = await api.getById(id, ['domain'], ['domain']);
  assert.equal(read.properties.domain, 'node.example');
  assert.ok(read.createdAt instanceof Date);
  assert.equal(read.propertiesWithHistory.domain[0].sourceType, 'INTEGRATION');
  assert.equal((await api.update(id, { properties: { city: 'Ulm' } })).properties.city, 'Ulm');
  await api.archive(id);
  await assert.rejects(api.getById(id), (refused) => refused.code === 404);
});

test('everything is paged through', async () => {
  await Promise.all([1, 2, 3].map((number) => company({ name: `Page ${number}` })));
  const all = await client.crm.companies.getAll(2);
  assert.equal(new Set(all.map((one) => one.id)).size, all.length);
  assert.ok(all.length >= 3);
});

test('an upsert tells what is new, and by trace what was refused', async () => {
  await property('companies', 'companyinformation', 'node_key', { hasUniqueValue: true });
  const inputs = [0, 1, 2].map((number) => ({
    id: `n${number}`, idProperty: 'node_key', objectWriteTraceId: `t${number}`, properties: { name: `N${number}` },
  }));
  const first = await client.crm.companies.batchApi.upsert({ inputs });
  assert.deepEqual(first.results.map((one) => one._new), [true, true, true]);
  inputs[1].properties = { nope: '1' };
  const second = await client.crm.companies.batchApi.upsert({ inputs });
  assert.deepEqual(second.results.map((one) => one._new), [false, false]);
  assert.equal(second.numErrors, 1);
  assert.deepEqual(second.errors[0].context.objectWriteTraceId, ['t1']);
});

test('duplicate ids refuse the batch', async () => {
  const one = { id: 'same', idProperty: 'node_key', properties: {} };
  await assert.rejects(
    client.crm.companies.batchApi.upsert({ inputs: [one, one] }),
    (refused) => refused.code === 400 && refused.body.context.ids[0] === 'same',
  );
});

test('a deal has its company and a line item', async () => {
  const buyer = await company();
  const types = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 5 }];
  const deal = await client.crm.deals.basicApi.create({
    properties: DEAL, associations: [{ to: { id: buyer }, types }],
  });
  const item = await client.crm.lineItems.basicApi.create({
    properties: { name: 'L', price: '10', quantity: '3' }, associations: [],
  });
  assert.equal(item.properties.amount, '30');
  await client.crm.associations.v4.basicApi.createDefault('deals', deal.id, 'line_items', item.id);
  const page = await client.crm.associations.v4.basicApi.getPage('deals', deal.id, 'companies');
  assert.deepEqual(page.results.map((one) => String(one.toObjectId)), [buyer]);
  assert.deepEqual(page.results[0].associationTypes.map((one) => one.typeId).sort(), [341, 5]);
  const batch = await client.crm.associations.v4.batchApi.getPage('companies', 'deals', { inputs: [{ id: buyer }] });
  assert.equal(String(batch.results[0].to[0].toObjectId), deal.id);
});

test('a search finds what the index knows', async () => {
  const id = await company({ name: 'Node Searched' });
  await pause(500);
  const found = await client.crm.companies.searchApi.doSearch({
    filterGroups: [{ filters: [{ propertyName: 'name', operator: 'EQ', value: 'Node Searched' }] }],
    sorts: ['hs_object_id'], properties: ['name'], limit: 10, after: '0',
  });
  assert.deepEqual([found.total, found.results[0].id], [1, id]);
});

test('a custom object is defined, used and deleted', async () => {
  const api = client.crm.schemas.coreApi;
  const made = await api.create({
    name: 'node_object', labels: { singular: 'N', plural: 'Ns' }, primaryDisplayProperty: 'title',
    secondaryDisplayProperties: [], searchableProperties: ['title'], requiredProperties: ['title'],
    properties: [{ name: 'title', label: 'T', type: 'string', fieldType: 'text' }], associatedObjects: ['0-2'],
  });
  assert.match(made.objectTypeId, /^2-\d+$/);
  const record = await client.crm.objects.basicApi.create(made.objectTypeId, {
    properties: { title: 'T' }, associations: [],
  });
  await assert.rejects(api.archive(made.objectTypeId, false), (refused) => refused.code === 400);
  await client.crm.objects.basicApi.archive(made.objectTypeId, record.id);
  await api.archive(made.objectTypeId, false);
});

test('a property that exists is a conflict', async () => {
  await property('deals', 'dealinformation', 'node_twice');
  await assert.rejects(property('deals', 'dealinformation', 'node_twice'), (refused) => refused.code === 409);
  const names = (await client.crm.properties.coreApi.getAll('deals')).results.map((one) => one.name);
  assert.ok(names.includes('node_twice') && names.includes('dealstage'));
});

test('a pipeline is made and deleted', async () => {
  const stages = [['Open', '0.5'], ['Won', '1.0']].map(([label, probability], displayOrder) => ({
    label, displayOrder, metadata: { probability },
  }));
  const made = await client.crm.pipelines.pipelinesApi.create('deals', { label: 'Node', displayOrder: 1, stages });
  assert.deepEqual(made.stages.map((one) => one.metadata.isClosed), ['false', 'true']);
  await client.crm.pipelines.pipelinesApi.archive('deals', made.id);
});

test('owners are found by email', async () => {
  const { owner } = await control('/portal', { add_owner: { email: 'o@node.example', first_name: 'O' } });
  const page = await client.crm.owners.ownersApi.getPage('o@node.example');
  assert.deepEqual(page.results.map((one) => [one.id, one.firstName]), [[owner, 'O']]);
});

test('a list counts the companies that pass its filter', async () => {
  const inside = await company({ numberofemployees: '90001' });
  const operation = {
    operationType: 'NUMBER', operator: 'IS_GREATER_THAN', value: 90000, includeObjectsWithNoValueSet: false,
  };
  const filters = [{ filterType: 'PROPERTY', property: 'numberofemployees', operation }];
  const below = { filterBranchType: 'AND', filterBranchOperator: 'AND', filters, filterBranches: [] };
  const filterBranch = { filterBranchType: 'OR', filterBranchOperator: 'OR', filters: [], filterBranches: [below] };
  const { list } = await client.crm.lists.listsApi.create({
    name: 'Node large', objectTypeId: '0-2', processingType: 'DYNAMIC', filterBranch,
  });
  assert.equal(list.size, 1);
  const members = await client.crm.lists.membershipsApi.getPage(list.listId);
  assert.deepEqual(members.results.map((one) => one.recordId), [inside]);
});

test('a token is refreshed, and a bad one refused, by the v1 endpoint the client has', async () => {
  const { client_id: id, client_secret: secret, refresh_token: refresh } = credentials;
  const api = client.oauth.tokensApi;
  const made = await api.create('refresh_token', undefined, undefined, id, secret, refresh);
  assert.equal(made.expiresIn, 1800);
  await assert.rejects(
    api.create('refresh_token', undefined, undefined, id, secret, 'x'),
    (refused) => refused.code === 400 && refused.body.status === 'BAD_REFRESH_TOKEN',
  );
});

test('a missing scope is told by name', async () => {
  const { scopes } = await control('/portal');
  await control('/portal', { scopes: ['oauth', 'crm.objects.companies.read'] });
  await assert.rejects(
    client.crm.deals.basicApi.getPage(),
    (refused) =>
      refused.code === 403 &&
      refused.body.errors[0].context.requiredGranularScopes[0] === 'crm.objects.deals.read',
  );
  await control('/portal', { scopes });
});
