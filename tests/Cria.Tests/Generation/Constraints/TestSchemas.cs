using System.Text.Json.Nodes;

namespace Cria.Tests.Generation.Constraints;

/// <summary>
/// Schemas for every keyword, each in several places, and random combinations of them. Where lengths count the characters are ASCII: the
/// validator counts graphemes, JSON Schema code points; and of times it knows offsets up to 14 hours and seven digits of a second.
/// </summary>
static class TestSchemas
{
    static readonly string[] Atoms =
    [
        """{"type":"null"}""", """{"type":"boolean"}""", """{"type":"integer"}""", """{"type":"number"}""", """{"type":"string"}""",
        """{"type":["integer","null"]}""", """{"type":["boolean","string"],"maxLength":3,"pattern":"^[ -~]*$"}""",
        """{"type":"integer","minimum":0}""", """{"type":"integer","minimum":-12,"maximum":7}""", """{"type":"integer","exclusiveMinimum":99,"exclusiveMaximum":102}""",
        """{"type":"number","minimum":0.25,"maximum":0.75}""", """{"type":"number","exclusiveMinimum":-1.5,"maximum":-0.001}""", """{"type":"number","maximum":-3}""",
        """{"type":"integer","multipleOf":7}""", """{"type":"number","multipleOf":0.25}""", """{"type":"integer","multipleOf":12,"minimum":100,"maximum":200}""", """{"type":"number","multipleOf":0.01,"minimum":0}""",
        """{"type":"string","minLength":3,"pattern":"^[ -~]*$"}""", """{"type":"string","maxLength":0}""", """{"type":"string","minLength":2,"maxLength":4,"pattern":"^[ -~]*$"}""", """{"type":"string","maxLength":200,"pattern":"^[ -~]*$"}""",
        """{"type":"string","pattern":"^[a-z]+$"}""", """{"type":"string","pattern":"^[ -~]*[0-9]{2}[ -~]*$","maxLength":6}""", """{"type":"string","pattern":"^(foo|bar)?$"}""",
        """{"type":"string","pattern":"^(?!no)[a-z]{2,5}$"}""", """{"type":"string","pattern":"^[!-~]+ [!-~]+$","maxLength":20}""", """{"type":"string","pattern":"^[^\\n\"]*é$"}""", """{"type":"string","pattern":"a$|^b"}""",
        """{"type":"string","format":"date"}""", """{"type":"string","format":"time","pattern":"^[^.]*Z$"}""", """{"type":"string","format":"date-time","pattern":"^[^.]*Z$"}""", """{"type":"string","format":"uuid"}""",
        """{"type":"string","format":"ipv4"}""", """{"type":"string","format":"ipv6"}""", """{"type":"string","format":"made-up"}""", """{"type":"string","format":"json-pointer"}""",
        """{"enum":["red","green","blue"]}""", """{"enum":[1,2.5,null,true,"x",[1],{"a":1}]}""", """{"const":"only"}""", """{"const":{"k":[1,"two",{"three":3}]}}""", """{"enum":["a","ab","abc","b\"c\\d"]}""",
        """{"type":"array","maxItems":2}""", """{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":4}""", """{"type":"array","prefixItems":[{"type":"integer"},{"type":"string","maxLength":3,"pattern":"^[ -~]*$"}],"items":false}""",
        """{"type":"array","prefixItems":[{"const":1}],"items":{"const":2},"minItems":3,"maxItems":5}""", """{"type":"array","items":{"enum":[1,2,3]},"uniqueItems":true}""", """{"type":"array","items":{"enum":["a","b","c"]},"uniqueItems":true,"minItems":3}""",
        """{"type":"array","items":{"type":"integer","minimum":0,"maximum":9},"contains":{"const":7},"maxItems":4}""", """{"type":"array","items":{"enum":[1,2]},"contains":{"const":1},"minContains":2,"maxContains":2,"maxItems":5}""",
        """{"type":"object","maxProperties":2,"additionalProperties":{"type":"integer"}}""", """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"}}}""",
        """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"boolean"}},"required":["b"],"additionalProperties":false}""",
        """{"type":"object","required":["x","y"],"additionalProperties":{"type":"null"}}""", """{"type":"object","patternProperties":{"^i_":{"type":"integer"},"^s_":{"type":"string","maxLength":2,"pattern":"^[ -~]*$"}},"additionalProperties":false,"maxProperties":3}""",
        """{"type":"object","propertyNames":{"pattern":"^[a-c]{1,3}$"},"additionalProperties":{"type":"boolean"},"maxProperties":2}""", """{"type":"object","properties":{"a":{},"b":{},"c":{}},"additionalProperties":false,"minProperties":2}""",
        """{"type":"object","minProperties":1,"additionalProperties":{"type":"integer"}}""", """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"dependentRequired":{"a":["b"]},"additionalProperties":false}""",
        """{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"dependentSchemas":{"a":{"required":["b"],"properties":{"b":{"minimum":5}}}},"additionalProperties":false}""",
        """{"anyOf":[{"type":"integer"},{"type":"string","maxLength":3,"pattern":"^[ -~]*$"}]}""", """{"oneOf":[{"type":"integer","multipleOf":2},{"type":"integer","multipleOf":3}]}""",
        """{"oneOf":[{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["a"],"additionalProperties":false},{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},"required":["b"],"additionalProperties":false}]}""",
        """{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":10},"b":{"type":"null"}},"maxProperties":2}]}""",
        """{"type":"integer","not":{"enum":[1,2,3]}}""", """{"type":"string","not":{"pattern":"^a"},"pattern":"^[ -~]*$","maxLength":4}""", """{"not":{"type":["object","array","string"]}}""", """{"type":"object","not":{"required":["a"]},"maxProperties":2,"additionalProperties":{"type":"integer"}}""",
        """{"type":"object","properties":{"kind":{"enum":["a","b"]},"n":{"type":"integer"}},"required":["kind"],"additionalProperties":false,"if":{"properties":{"kind":{"const":"a"}}},"then":{"required":["n"]},"else":{"not":{"required":["n"]}}}""",
        """{"if":{"type":"integer"},"then":{"minimum":10},"else":{"type":"string","maxLength":3,"pattern":"^[ -~]*$"}}""",
    ];

    static readonly Func<string, string>[] Places =
    [
        x => x,
        x => $$"""{"type":"object","properties":{"v":{{x}}},"required":["v"],"additionalProperties":false}""",
        x => $$"""{"type":"array","items":{{x}},"minItems":1,"maxItems":2}""",
        x => $$"""{"$defs":{"x":{{x}}},"anyOf":[{"$ref":"#/$defs/x"},{"const":"none"}]}""",
        x => $$"""{"type":"object","patternProperties":{"^k[0-9]$":{{x}}},"additionalProperties":false,"minProperties":1,"maxProperties":1}""",
    ];

    /// <summary>More than 300.</summary>
    public static IEnumerable<string> Written => Atoms.SelectMany(a => Places.Select(p => p(a)));

    /// <summary>Trees of anyOf, oneOf, allOf, not, objects and arrays.</summary>
    public static string Random(Random random, int depth = 0)
    {
        if (depth > 2 || random.Next(4) == 0)
            return Atoms[random.Next(Atoms.Length)];
        string Sub() => Random(random, depth + 1);
        return random.Next(7) switch
        {
            0 => $$"""{"anyOf":[{{Sub()}},{{Sub()}}]}""",
            1 => $$"""{"oneOf":[{{Sub()}},{{Sub()}}]}""",
            2 => $$"""{"allOf":[{{Sub()}},{{Sub()}}]}""",
            3 => $$"""{"allOf":[{{Sub()}},{"not":{{Sub()}}}]}""",
            4 => $$"""{"type":"array","prefixItems":[{{Sub()}}],"items":{{Sub()}},"maxItems":3}""",
            5 => $$"""{"type":"object","properties":{"p":{{Sub()}},"q":{{Sub()}}},"required":["q"],"additionalProperties":false}""",
            _ => $$"""{"if":{{Sub()}},"then":{{Sub()}},"else":{{Sub()}}}""",
        };
    }

    /// <summary>Checks that the text is JSON that satisfies the schema, with a validator that is not ours; null where it cannot hold a number.</summary>
    public static bool? IsValid(string schema, string text)
    {
        try
        {
            return Json.Schema.JsonSchema.FromText(schema).Evaluate(JsonNode.Parse(text), new() { RequireFormatValidation = true }).IsValid;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
