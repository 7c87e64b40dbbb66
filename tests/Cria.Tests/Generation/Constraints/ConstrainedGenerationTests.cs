using System.Text.Json;
using Cria.Chat;
using Cria.Generation;
using Cria.Generation.Constraints;
using Cria.Models;
using Cria.Tokenization;
using Microsoft.Extensions.AI;

namespace Cria.Tests.Generation.Constraints;

public sealed class ConstrainedGenerationTests
{
    static readonly string Pocket = Path.Combine(TestFiles.Root, "models", "pocket");

    readonly List<string> _failures = [];

    [Fact]
    public async Task WhatAModelWritesSatisfiesTheSchemaHoweverRandomItIs()
    {
        using var model = TextModel.Load(Pocket);
        using var generator = new Generator(model, Tokenizer.Load(Pocket));
        var random = new Random(5);
        var schemas = TestSchemas.Written.Concat(Enumerable.Range(0, 60).Select(_ => TestSchemas.Random(random))).ToList();
        var (done, unjudged) = (0, 0);
        await Parallel.ForEachAsync(schemas.Index(), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (item, cancellation) =>
        {
            var (index, schema) = item;
            Constraint constraint;
            try
            {
                constraint = Constraint.JsonSchema(schema);
            }
            catch (CriaException) when (index >= TestSchemas.Written.Count())
            {
                return; // impossible or refused
            }
            var text = await Write(generator, new() { Constraint = constraint, Temperature = 1.5f, Seed = (ulong)index, MaxTokens = 60 });
            Interlocked.Increment(ref done);
            if (TestSchemas.IsValid(schema, text) is not { } isValid)
                Interlocked.Increment(ref unjudged);
            else if (!isValid)
                lock (_failures)
                    _failures.Add($"{schema}: {text}");
        });
        Assert.True(_failures.Count == 0, string.Join("\n", _failures));
        Assert.True(unjudged < 30, $"{unjudged} texts hold numbers beyond the validator");
        Assert.True(done > 345, $"{done} of {schemas.Count} schemas were honoured");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(9)]
    [InlineData(40)]
    public async Task TheTextIsCompleteBeforeTheTokensRunOut(int maxTokens)
    {
        using var model = TextModel.Load(Pocket);
        using var generator = new Generator(model, Tokenizer.Load(Pocket));
        for (var seed = 0UL; seed < 10; seed++)
        {
            var text = await Write(generator, new() { Constraint = Constraint.JsonSchema("""{"type":["array","object"]}"""), Temperature = 1.5f, Seed = seed, MaxTokens = maxTokens });
            JsonDocument.Parse(text).Dispose();
        }
    }

    [Fact]
    public async Task ALimitBelowTheShortestTextIsRefused()
    {
        using var model = TextModel.Load(Pocket);
        using var generator = new Generator(model, Tokenizer.Load(Pocket));
        var e = await Assert.ThrowsAsync<CriaException>(() => Write(generator, new() { Constraint = Constraint.JsonSchema("""{"type":"string","minLength":500}"""), MaxTokens = 3 }));
        Assert.Contains("max_tokens is 3", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AConstraintDoesNotChangeWithSpeculation()
    {
        using var model = TextModel.Load(Pocket);
        using var generator = new Generator(model, Tokenizer.Load(Pocket));
        var options = new GenerationOptions { Constraint = Constraint.Regex("(the same words, )*end"), MaxTokens = 60 };
        Assert.Equal(await Write(generator, options), await Write(generator, options with { Speculation = Speculation.Lookup }));
    }

    [Theory]
    [InlineData("{\"", "city\": \"")]
    [InlineData("{\"city\": \"Rome\",", "\"country\": \"I")]
    [InlineData("{\"city\": \"Rome\", \"country\": \"It", "aly\"}")]
    [InlineData("{\"city\": \"R", "")]
    public void WhatMustFollowIsForeseen(string text, string foreseen)
    {
        var constraint = Constraint.JsonSchema("""{"type":"object","properties":{"city":{"type":"string"},"country":{"enum":["Italy","Iran","Iraq"]}},"required":["city","country"],"additionalProperties":false}""");
        Assert.Equal(foreseen, System.Text.Encoding.UTF8.GetString(constraint.Begin(Tokenizer.Load(Pocket), text).Foreseen(100)));
    }

    [Fact]
    public async Task WhatIsForeseenDoesNotChangeTheText()
    {
        using var model = TextModel.Load(Pocket);
        using var generator = new Generator(model, Tokenizer.Load(Pocket));
        var options = new GenerationOptions { Temperature = 1.5f, Seed = 3, MaxTokens = 120, Constraint = Constraint.JsonSchema("""{"type":"array","items":{"type":"object","properties":{"first_name":{"type":"string","maxLength":8},"last_name":{"type":"string","maxLength":8}},"required":["first_name","last_name"],"additionalProperties":false},"minItems":3,"maxItems":4}""") };
        var alone = await Write(generator, options);
        var together = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Write(generator, options))); // so many that there is no room for guesses
        Assert.All(together, text => Assert.Equal(alone, text));
    }

    sealed record Answer(string City, int Year, string[] Tags);

    [Fact]
    public async Task TypedAnswersComeBackAsTheirType()
    {
        using var client = CriaChatClient.Load(Pocket);
        var response = await client.GetResponseAsync<Answer>("Where?", new ChatOptions { Temperature = 1.5f, Seed = 1, MaxOutputTokens = 200 }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.NotNull(response.Result.City);
        Assert.NotNull(response.Result.Tags);
        var json = await client.GetResponseAsync("Anything.", new ChatOptions { ResponseFormat = ChatResponseFormat.Json, Temperature = 1.5f, Seed = 2, MaxOutputTokens = 50 }, TestContext.Current.CancellationToken);
        Assert.Equal(JsonValueKind.Object, JsonDocument.Parse(json.Text).RootElement.ValueKind);
    }

    static async Task<string> Write(Generator generator, GenerationOptions options)
    {
        var text = "";
        await foreach (var token in generator.GenerateAsync(new[] { 1, 2, 3 }, options))
            text += token.Text;
        return text;
    }
}
