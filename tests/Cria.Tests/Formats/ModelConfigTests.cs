using System.Text.Json.Nodes;
using Cria.Formats;

namespace Cria.Tests.Formats;

public sealed class ModelConfigTests
{
    [Fact]
    public void MissingKeysHaveTheDefaultsOfTheLibrary()
    {
        var config = Read(c =>
        {
            foreach (var key in (string[])["num_key_value_heads", "head_dim", "rope_theta", "rope_scaling", "rms_norm_eps", "tie_word_embeddings",
                "bos_token_id", "eos_token_id", "torch_dtype", "hidden_act", "max_position_embeddings"])
                c.Remove(key);
        });
        Assert.Equal((4, 12, 10000f, 1e-6f, false, 2048),
            (config.KvHeadCount, config.HeadSize, config.RopeTheta, config.NormEpsilon, config.TiedEmbeddings, config.MaxPositions));
        Assert.Null(config.RopeScaling);
        Assert.Null(config.BosId);
        Assert.Empty(config.StopIds);
    }

    [Fact]
    public void OldAndNewRopeKeysMeanTheSame()
    {
        var config = Read(_ => { });
        Assert.Equal(new RopeScaling(32, 1, 4, 64), config.RopeScaling);
        Assert.Equal(500000, config.RopeTheta);
        Same(config, Read(c =>
        {
            var scaling = c["rope_scaling"]!.AsObject();
            scaling["type"] = "llama3";
            scaling.Remove("rope_type");
        }));
        Same(config, Read(c =>
        {
            var rope = c["rope_scaling"]!.DeepClone().AsObject();
            rope["rope_theta"] = 500000.0;
            c.Remove("rope_theta");
            c.Remove("rope_scaling");
            c["rope_parameters"] = rope;
            c["dtype"] = "float32";
            c.Remove("torch_dtype");
        }));
    }

    [Fact]
    public void DefaultRopeIsUnscaledUnderBothKeys()
    {
        Assert.Null(Read(c => c["rope_scaling"] = null).RopeScaling);
        Assert.Null(Read(c => c["rope_scaling"] = new JsonObject { ["rope_type"] = "default" }).RopeScaling);
        var config = Read(c =>
        {
            c.Remove("rope_scaling");
            c.Remove("rope_theta");
            c["rope_parameters"] = new JsonObject { ["rope_theta"] = 1234.5 };
        });
        Assert.Null(config.RopeScaling);
        Assert.Equal(1234.5f, config.RopeTheta);
    }

    [Fact]
    public void EndTokensAreANumberOrAList()
    {
        Assert.Equal([95], Read(c => c["eos_token_id"] = 95).StopIds);
        Assert.Equal([3, 1, 2], Read(c => c["eos_token_id"] = new JsonArray(3, 1, 2)).StopIds);
        Assert.Empty(Read(c => c["eos_token_id"] = null).StopIds);
    }

    [Theory]
    [InlineData("hidden_size", "\"48\"")]
    [InlineData("hidden_size", "0")]
    [InlineData("hidden_size", "48.5")]
    [InlineData("hidden_size", "4294967344")]
    [InlineData("hidden_size", "null")]
    [InlineData("num_hidden_layers", "-1")]
    [InlineData("num_hidden_layers", "1000000000")]
    [InlineData("num_attention_heads", "0")]
    [InlineData("num_key_value_heads", "3")]
    [InlineData("head_dim", "7")]
    [InlineData("vocab_size", "0")]
    [InlineData("intermediate_size", "[]")]
    [InlineData("max_position_embeddings", "0")]
    [InlineData("rms_norm_eps", "0")]
    [InlineData("rms_norm_eps", "1e999")]
    [InlineData("rope_theta", "-1")]
    [InlineData("rope_theta", "1e300")]
    [InlineData("eos_token_id", "96")]
    [InlineData("eos_token_id", "[1, -1]")]
    [InlineData("eos_token_id", "[[1]]")]
    [InlineData("bos_token_id", "96")]
    [InlineData("tie_word_embeddings", "\"yes\"")]
    [InlineData("attention_bias", "true")]
    [InlineData("mlp_bias", "true")]
    [InlineData("hidden_act", "\"gelu\"")]
    [InlineData("model_type", "\"mistral\"")]
    [InlineData("model_type", "7")]
    [InlineData("architectures", "[\"MistralForCausalLM\"]")]
    [InlineData("architectures", "[{}]")]
    [InlineData("quantization_config", "{\"quant_method\":\"gptq\"}")]
    [InlineData("rope_scaling", "7")]
    [InlineData("rope_type", "{}", "rope_scaling")]
    [InlineData("rope_type", "{\"rope_type\":\"yarn\"}", "rope_scaling")]
    [InlineData("rope_type", "{\"type\":\"linear\",\"factor\":2}", "rope_scaling")]
    [InlineData("factor", "{\"rope_type\":\"llama3\",\"factor\":0,\"low_freq_factor\":1,\"high_freq_factor\":4,\"original_max_position_embeddings\":8}", "rope_scaling")]
    [InlineData("factor", "{\"rope_type\":\"llama3\",\"low_freq_factor\":1,\"high_freq_factor\":4,\"original_max_position_embeddings\":8}", "rope_scaling")]
    [InlineData("high_freq_factor", "{\"rope_type\":\"llama3\",\"factor\":2,\"low_freq_factor\":4,\"high_freq_factor\":4,\"original_max_position_embeddings\":8}", "rope_scaling")]
    [InlineData("original_max_position_embeddings", "{\"rope_type\":\"llama3\",\"factor\":2,\"low_freq_factor\":1,\"high_freq_factor\":4,\"original_max_position_embeddings\":0}", "rope_scaling")]
    public void WhatTheEngineCannotComputeIsRefusedByName(string mention, string value, string? key = null)
    {
        var error = Assert.Throws<CriaException>(() => Read(c => c[key ?? mention] = JsonNode.Parse(value)));
        Assert.Contains("config.json", error.Message);
        Assert.Contains(mention, error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{\"hidden_size\": 1, \"hidden_size\": 2}")]
    [InlineData("{\"rope_theta\": NaN}")]
    [InlineData("{\"model_type\": \"\\ud800\"}")]
    [InlineData("{} {}")]
    public void WhatIsNotOneObjectWithEachNameOnceIsRefused(string text)
    {
        using var model = new TestModel();
        File.WriteAllText(model.File("config.json"), text);
        Assert.Contains("config.json", Assert.Throws<CriaException>(() => ModelConfig.Read(model.File("config.json"))).Message);
    }

    static void Same(ModelConfig expected, ModelConfig actual) => Assert.Equal(expected with { StopIds = actual.StopIds }, actual);

    static ModelConfig Read(Action<JsonObject> change)
    {
        using var model = new TestModel();
        var config = TestModels.Config(new TestShape());
        change(config);
        File.WriteAllText(model.File("config.json"), config.ToJsonString());
        return ModelConfig.Read(model.File("config.json"));
    }
}
