using System.IO.Compression;
using System.Text.Json;
using Cria.Generation.Constraints;
using Cria.Tokenization;

namespace Cria.Tests.Generation.Constraints;

public sealed class JsonSchemaTests
{
    static readonly Tokenizer Pocket = Tokenizer.Load(Path.Combine(TestFiles.Root, "models", "pocket"));

    [Theory]
    [InlineData("true", "{\"a\": [1, 2.5, -3e10, null], \"b\": {\"c\": \"x\\u0001\\\"\"}}", true)]
    [InlineData("{\"type\":\"integer\",\"minimum\":-5,\"maximum\":120}", "120", true)]
    [InlineData("{\"type\":\"integer\",\"minimum\":-5,\"maximum\":120}", "121", false)]
    [InlineData("{\"type\":\"integer\",\"minimum\":-5,\"maximum\":120}", "-6", false)]
    [InlineData("{\"type\":\"number\",\"exclusiveMinimum\":1.25}", "1.250", false)]
    [InlineData("{\"type\":\"number\",\"exclusiveMinimum\":1.25}", "1.2501", true)]
    [InlineData("{\"multipleOf\":0.01}", "19.99", true)]
    [InlineData("{\"multipleOf\":0.01}", "19.999", false)]
    [InlineData("{\"multipleOf\":7}", "-49", true)]
    [InlineData("{\"type\":\"string\",\"minLength\":2,\"maxLength\":3}", "\"é\\n😀\"", true)]
    [InlineData("{\"type\":\"string\",\"maxLength\":3}", "\"abcd\"", false)]
    [InlineData("{\"pattern\":\"^(?!b)[a-c]+$\"}", "\"abc\"", true)]
    [InlineData("{\"pattern\":\"^(?!b)[a-c]+$\"}", "\"bbc\"", false)]
    [InlineData("{\"format\":\"date\"}", "\"2024-02-29\"", true)]
    [InlineData("{\"format\":\"date\"}", "\"2023-02-29\"", false)]
    [InlineData("{\"format\":\"ipv6\"}", "\"::ffff:1.2.3.4\"", true)]
    [InlineData("{\"format\":\"duration\"}", "\"PT\"", false)]
    [InlineData("{\"format\":\"uri\"}", "\"https://a.b/c?d#e\"", true)]
    [InlineData("{\"format\":\"colour\"}", "\"anything\"", true)]
    [InlineData("{\"enum\":[\"a\",1,{\"b\":[true]}]}", "{\"b\": [true]}", true)]
    [InlineData("{\"enum\":[\"a\",1,{\"b\":[true]}]}", "{\"b\": [false]}", false)]
    [InlineData("{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"b\"]}", "{\"b\": 1, \"z\": 2}", true)]
    [InlineData("{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}},\"required\":[\"b\"]}", "{\"b\": 1, \"a\": 2}", false)]
    [InlineData("{\"properties\":{\"a\":{}},\"additionalProperties\":false}", "{\"ab\": 1}", false)]
    [InlineData("{\"patternProperties\":{\"^n\":{\"type\":\"number\"}},\"additionalProperties\":{\"type\":\"string\"}}", "{\"n1\": 1, \"m\": \"x\"}", true)]
    [InlineData("{\"patternProperties\":{\"^n\":{\"type\":\"number\"}},\"additionalProperties\":{\"type\":\"string\"}}", "{\"n1\": \"x\"}", false)]
    [InlineData("{\"propertyNames\":{\"maxLength\":2}}", "{\"ab\": 1}", true)]
    [InlineData("{\"propertyNames\":{\"maxLength\":2}}", "{\"abc\": 1}", false)]
    [InlineData("{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":2}", "{}", false)]
    [InlineData("{\"type\":\"object\",\"minProperties\":1,\"maxProperties\":2}", "{\"a\": 1, \"b\": 2, \"c\": 3}", false)]
    [InlineData("{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\": 1}", false)]
    [InlineData("{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\": 1, \"b\": 2}", true)]
    [InlineData("{\"not\":{\"type\":\"object\",\"required\":[\"a\"]}}", "{\"a\": 1}", false)]
    [InlineData("{\"not\":{\"type\":\"object\",\"required\":[\"a\"]}}", "{\"b\": 1}", true)]
    [InlineData("{\"oneOf\":[{\"multipleOf\":2},{\"multipleOf\":3}]}", "6", false)]
    [InlineData("{\"oneOf\":[{\"multipleOf\":2},{\"multipleOf\":3}]}", "9", true)]
    [InlineData("{\"oneOf\":[{\"required\":[\"a\"]},{\"required\":[\"b\"]}]}", "{\"a\": 1, \"b\": 1}", false)]
    [InlineData("{\"if\":{\"properties\":{\"k\":{\"const\":1}}},\"then\":{\"required\":[\"v\"]}}", "{\"k\": 1}", false)]
    [InlineData("{\"if\":{\"properties\":{\"k\":{\"const\":1}}},\"then\":{\"required\":[\"v\"]}}", "{\"k\": 2}", true)]
    [InlineData("{\"type\":\"array\",\"prefixItems\":[{\"const\":1}],\"items\":{\"const\":2},\"minItems\":2}", "[1, 2, 2]", true)]
    [InlineData("{\"type\":\"array\",\"prefixItems\":[{\"const\":1}],\"items\":{\"const\":2},\"minItems\":2}", "[1]", false)]
    [InlineData("{\"contains\":{\"const\":7},\"maxContains\":1}", "[1, 7, 2]", true)]
    [InlineData("{\"contains\":{\"const\":7},\"maxContains\":1}", "[7, 7]", false)]
    [InlineData("{\"items\":{\"enum\":[\"a\",\"b\"]},\"uniqueItems\":true}", "[\"b\", \"b\"]", false)]
    [InlineData("{\"$defs\":{\"t\":{\"type\":\"object\",\"properties\":{\"n\":{\"$ref\":\"#/$defs/t\"}},\"additionalProperties\":false}},\"$ref\":\"#/$defs/t\"}", "{\"n\": {\"n\": {}}}", true)]
    public void AConstraintAcceptsWhatSatisfiesTheSchema(string schema, string text, bool isValid) =>
        Assert.Equal(isValid, Accepts(Constraint.JsonSchema(schema), text, Pocket));

    [Theory]
    [InlineData("{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", "no value satisfies")]
    [InlineData("{\"properties\":{\"a\":{\"pattern\":\"(\"}}}", "/properties/a/pattern")]
    [InlineData("{\"properties\":{\"a\":{\"pattern\":\"(a)\\\\1\"}}}", "/properties/a/pattern")]
    [InlineData("{\"properties\":{\"a/b\":{\"unevaluatedItems\":false}}}", "/properties/a~1b/unevaluatedItems")]
    [InlineData("{\"items\":{\"$ref\":\"http://elsewhere/s\"}}", "/items/$ref")]
    [InlineData("{\"type\":\"text\"}", "/type")]
    [InlineData("{\"$ref\":\"#\"}", "refers to itself")]
    [InlineData("{\"uniqueItems\":true}", "/uniqueItems")]
    [InlineData("{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":false}}", "no value satisfies")]
    [InlineData("[", "not JSON")]
    public void WhatCannotBeHonouredIsRefusedWithItsPlace(string schema, string place) =>
        Assert.Contains(place, Assert.Throws<CriaException>(() => Constraint.JsonSchema(schema)).Message, StringComparison.Ordinal);

    [Fact]
    public void NoInvalidInstanceOfARealSchemaIsAccepted()
    {
        var tokenizer = Tokenizer.Load(TestFiles.Golden("tokenizer", "llama3.tokenizer.model"));
        using var reader = new StreamReader(new GZipStream(File.OpenRead(TestFiles.Golden("constraints", "maskbench.jsonl.gz")), CompressionMode.Decompress));
        var (schemas, passed) = (0, 0);
        for (var i = 0; reader.ReadLine() is { } line; i++)
        {
            if (i % 20 != 0)
                continue;
            using var document = JsonDocument.Parse(line);
            schemas++;
            var isPassed = true;
            try
            {
                var constraint = Constraint.JsonSchema(document.RootElement.GetProperty("schema").GetRawText());
                foreach (var test in document.RootElement.GetProperty("tests").EnumerateArray())
                {
                    var isValid = test.GetProperty("valid").GetBoolean();
                    var isAccepted = Accepts(constraint, test.GetProperty("text").GetString()!, tokenizer);
                    Assert.True(isValid || !isAccepted, $"{document.RootElement.GetProperty("id")} accepts {test}");
                    isPassed &= isValid == isAccepted;
                }
            }
            catch (CriaException)
            {
                isPassed = false;
            }
            passed += isPassed ? 1 : 0;
        }
        Assert.True(passed >= 0.93 * schemas, $"{passed} of {schemas} pass");
    }

    static bool Accepts(Constraint constraint, string text, Tokenizer tokenizer)
    {
        var matcher = constraint.Begin(tokenizer);
        foreach (var token in tokenizer.Encode(text))
            if (!matcher.TryAdvance(token))
                return false;
        return matcher.IsComplete;
    }
}
