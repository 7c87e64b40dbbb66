// OpenAI's and Anthropic's own clients against a server: node clients.mjs URL. What does not hold ends it with an error.
import assert from 'node:assert/strict';
import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';

const url = process.argv[2];
const question = [{ role: 'user', content: 'Who are you?' }];
const weather = [{ role: 'user', content: 'What is the weather in Rome?' }];
const schema = { type: 'object', properties: { city: { type: 'string', description: 'The city' } }, required: ['city'] };
const about = { name: 'get_weather', description: 'The weather in a city' };

const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
const chat = more => openai.chat.completions.create({ model: 'pocket', temperature: 0, max_completion_tokens: 48, ...more });

const checks = {
  async 'openai: chat, whole and streamed'() {
    const whole = await chat({ messages: question });
    assert.match(whole.choices[0].message.content, /pocket/);
    assert.equal(whole.choices[0].finish_reason, 'stop');
    let text = '', usage;
    for await (const chunk of await chat({ messages: question, stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.equal(usage.total_tokens, whole.usage.total_tokens);
    assert.equal(usage.prompt_tokens_details.cached_tokens, usage.prompt_tokens - 1);
  },
  async 'openai: the loop of tools'() {
    const tools = [{ type: 'function', function: { ...about, parameters: schema } }];
    const asked = await chat({ messages: weather, tools });
    const [call] = asked.choices[0].message.tool_calls;
    assert.deepEqual(JSON.parse(call.function.arguments), { city: 'Rome' });
    const told = await chat({ messages: [...weather, asked.choices[0].message, { role: 'tool', tool_call_id: call.id, content: '{"sky":"sunny"}' }], tools });
    assert.equal(told.choices[0].finish_reason, 'stop');
    const runner = openai.chat.completions.runTools({ model: 'pocket', temperature: 0, max_completion_tokens: 48, messages: weather,
      tools: [{ type: 'function', function: { ...about, parameters: schema, parse: JSON.parse, function: ({ city }) => `sunny in ${city}` } }] });
    assert.equal(typeof await runner.finalContent(), 'string');
  },
  async 'openai: a stream that is left'() {
    const stream = await chat({ messages: question, stream: true, logit_bias: { 65: 100 }, max_completion_tokens: 4000 });
    for await (const _ of stream)
      break;
    stream.controller.abort();
  },
  async 'openai: completions, models, responses'() {
    assert.equal((await openai.completions.create({ model: 'pocket', prompt: 'Once upon a time', max_tokens: 4 })).object, 'text_completion');
    assert.deepEqual((await openai.models.list()).data.map(m => m.id), ['pocket']);
    assert.equal((await openai.models.retrieve('pocket')).id, 'pocket');
    const first = await openai.responses.create({ model: 'pocket', temperature: 0, input: 'Who are you?' });
    assert.match(first.output_text, /pocket/);
    const stream = openai.responses.stream({ model: 'pocket', temperature: 0, input: 'What can you do?', previous_response_id: first.id });
    assert.equal(typeof (await stream.finalResponse()).output_text, 'string');
    assert.equal((await openai.responses.retrieve(first.id)).output_text, first.output_text);
    await openai.responses.delete(first.id);
  },
  async 'openai: answers of a schema'() {
    const person = { type: 'object', properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 0, maximum: 150 } }, required: ['name', 'age'], additionalProperties: false };
    const check = text => {
      const { name, age, ...more } = JSON.parse(text);
      assert.deepEqual([typeof name, Number.isInteger(age), more], ['string', true, {}]);
    };
    for (const strict of [true, false]) {
      const whole = await openai.chat.completions.parse({ model: 'pocket', temperature: 0, max_completion_tokens: 100, messages: question, response_format: { type: 'json_schema', json_schema: { name: 'person', strict, schema: person } } });
      check(whole.choices[0].message.content);
      check((await openai.responses.parse({ model: 'pocket', temperature: 0, max_output_tokens: 100, input: 'Who are you?', text: { format: { type: 'json_schema', name: 'person', strict, schema: person } } })).output_text);
    }
    assert.equal(typeof JSON.parse((await chat({ messages: question, response_format: { type: 'json_object' } })).choices[0].message.content), 'object');
    await assert.rejects(chat({ messages: question, response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { type: 'strange' } } } }), e => e instanceof OpenAI.BadRequestError && e.param === 'response_format.json_schema.schema' && /\/type/.test(e.message));
  },
  async 'openai: embeddings'() {
    const of = async more => (await openai.embeddings.create({ model: 'pocket', input: ['Hello', 'Hello there'], ...more })).data.map(d => [...Float32Array.from(d.embedding)]);
    const numbers = await of({ encoding_format: 'float' });
    assert.deepEqual(await of({}), numbers); // asks for base64 and decodes it
    assert.ok(Math.abs(numbers[0].reduce((sum, x) => sum + x * x, 0) - 1) < 1e-5);
  },
  async 'openai: errors'() {
    await assert.rejects(chat({ model: 'gpt-0', messages: question }), e => e instanceof OpenAI.NotFoundError && e.param === 'model' && e.code === 'model_not_found');
    await assert.rejects(chat({ messages: question, temperature: -1 }), e => e instanceof OpenAI.BadRequestError && e.param === 'temperature');
    await assert.rejects(openai.responses.retrieve('resp_0'), OpenAI.NotFoundError);
  },
  async 'anthropic: messages, whole and streamed, and their count'() {
    const whole = await message({ messages: question, system: 'Be brief.' });
    assert.match(whole.content[0].text, /pocket/);
    assert.equal(whole.stop_reason, 'end_turn');
    const streamed = await anthropic.messages.stream({ model: 'pocket', temperature: 0, max_tokens: 48, messages: question, system: 'Be brief.' }).finalMessage();
    assert.equal(streamed.content[0].text, whole.content[0].text);
    assert.deepEqual(streamed.usage.output_tokens, whole.usage.output_tokens);
    assert.equal((await anthropic.messages.countTokens({ model: 'pocket', messages: question, system: 'Be brief.' })).input_tokens, whole.usage.input_tokens + whole.usage.cache_read_input_tokens);
    assert.deepEqual(streamed.usage.cache_read_input_tokens + streamed.usage.input_tokens, whole.usage.input_tokens + whole.usage.cache_read_input_tokens);
    const rest = await message({ messages: [...question, { role: 'assistant', content: whole.content[0].text.slice(0, 4) }], system: 'Be brief.' });
    assert.equal(rest.content[0].text, whole.content[0].text.slice(4));
  },
  async 'anthropic: the loop of tools'() {
    const tools = [{ ...about, input_schema: schema }];
    const asked = await message({ messages: weather, tools });
    const use = asked.content.find(b => b.type === 'tool_use');
    assert.deepEqual(use.input, { city: 'Rome' });
    assert.equal(asked.stop_reason, 'tool_use');
    const streamed = await anthropic.messages.stream({ model: 'pocket', temperature: 0, max_tokens: 48, messages: weather, tools }).finalMessage();
    assert.deepEqual(streamed.content.at(-1).input, { city: 'Rome' });
    const told = await message({ messages: [...weather, { role: 'assistant', content: asked.content }, { role: 'user', content: [{ type: 'tool_result', tool_use_id: use.id, content: 'sunny' }] }], tools });
    assert.equal(told.role, 'assistant');
  },
  async 'anthropic: errors'() {
    await assert.rejects(message({ model: 'claude-0', messages: question }), Anthropic.NotFoundError);
    await assert.rejects(message({ messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://example.org/a.png' } }] }] }), Anthropic.BadRequestError);
  },
};

const anthropic = new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });
const message = more => anthropic.messages.create({ model: 'pocket', temperature: 0, max_tokens: 48, ...more });

for (const [name, check] of Object.entries(checks)) {
  try {
    await check();
    console.log(`passed ${name}`);
  } catch (error) {
    console.log(`failed ${name}: ${error.stack}`);
    process.exitCode = 1;
  }
}
