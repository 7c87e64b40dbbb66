using Cria.Formats;

namespace Cria.Tests.Formats;

public sealed class GenerationDefaultsTests
{
    [Fact]
    public void WithoutTheFileAModelIsGreedyAndStopsAsItsConfigurationSays()
    {
        var defaults = Read(null);
        Assert.Equal(0, defaults.Temperature);
        Assert.Equal([95], defaults.StopIds);
    }

    [Fact]
    public void LlamasOwnFileIsRead()
    {
        var defaults = Read("""{"bos_token_id":1,"do_sample":true,"eos_token_id":[10,8,9],"temperature":0.6,"top_p":0.9,"transformers_version":"4.45.0.dev0"}""");
        Assert.Equal((0.6f, 0.9f, 0, 1f), (defaults.Temperature, defaults.TopP, defaults.TopK, defaults.RepetitionPenalty));
        Assert.Equal([10, 8, 9, 95], defaults.StopIds);
    }

    [Fact]
    public void WithoutDoSampleItIsGreedyWhateverTheTemperature() =>
        Assert.Equal(0, Read("""{"do_sample":false,"temperature":0.6}""").Temperature);

    [Theory]
    [InlineData("eos_token_id", "[96]")]
    [InlineData("temperature", "-1")]
    [InlineData("temperature", "\"hot\"")]
    [InlineData("top_p", "0")]
    [InlineData("top_k", "-1")]
    [InlineData("min_p", "-0.5")]
    [InlineData("repetition_penalty", "0")]
    [InlineData("do_sample", "1")]
    public void WrongValuesAreRefusedByName(string key, string value)
    {
        var text = key == "do_sample" ? $"{{\"{key}\":{value}}}" : $"{{\"do_sample\":true,\"{key}\":{value}}}";
        var error = Assert.Throws<CriaException>(() => Read(text));
        Assert.Contains("generation_config.json", error.Message);
        Assert.Contains(key, error.Message);
    }

    static GenerationDefaults Read(string? text)
    {
        using var model = TestModels.Write();
        if (text is not null)
            File.WriteAllText(model.File("generation_config.json"), text);
        using var checkpoint = Checkpoint.Open(model.Path);
        return checkpoint.Generation;
    }
}
