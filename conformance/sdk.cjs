// The Node library of OpenAI before the gateway: whole, streamed, with a tool, as responses.
const assert = require("node:assert");
const { OpenAI } = require("openai");

async function main([baseURL, said, given]) {
  const client = new OpenAI({ baseURL, apiKey: "x", maxRetries: 0 });
  const messages = [{ role: "user", content: "How many leaves has the tree?" }];
  const whole = await client.chat.completions.create({ model: "m", messages });
  assert.equal(whole.choices[0].message.content, said);
  let text = "";
  const stream = await client.chat.completions.create({ model: "m", messages, stream: true });
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(text, said);
  const parameters = {
    type: "object",
    properties: { city: { type: "string" }, days: { type: "integer" } },
    required: ["city", "days"],
  };
  const tools = [{ type: "function", function: { name: "forecast", parameters } }];
  const called = await client.chat.completions.create({ model: "m", messages, tools });
  const call = called.choices[0].message.tool_calls[0];
  assert.deepEqual(JSON.parse(call.function.arguments), JSON.parse(given));
  const answer = await client.responses.create({ model: "m", input: "How many leaves?" });
  assert.equal(answer.output_text, said);
  const response = client.responses.stream({ model: "m", input: "How many leaves?" });
  assert.equal((await response.finalResponse()).output_text, said);
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error);
  process.exit(1);
});
