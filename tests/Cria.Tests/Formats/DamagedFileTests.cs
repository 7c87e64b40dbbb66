using System.Buffers.Binary;
using System.Text;
using Cria.Tensors;
using Cria.Tokenization;

namespace Cria.Tests.Formats;

/// <summary>Damaged files of Hugging Face directories and damaged vocabularies.</summary>
public sealed class DamagedFileTests
{
    [Fact]
    public void DamagedConfiguration() => Damage.Try(Model(new()), "config.json", 8000, AsJson, Damage.OpenModel);

    [Fact]
    public void DamagedGenerationConfiguration() => Damage.Try(Model(new()), "generation_config.json", 1500, AsJson, Damage.OpenModel);

    [Fact]
    public void DamagedTokenizerConfiguration() => Damage.Try(Model(new()), "tokenizer_config.json", 1000, AsJson, Damage.OpenModel);

    [Fact]
    public void DamagedSafetensorsHeader() => Damage.Try(Model(new() { Layers = 1 }), "model.safetensors", 5000, (m, f) =>
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(f);
        var header = f[8..(8 + length)];
        return SafetensorsTests.Raw(Encoding.Latin1.GetString(m.Next(4) == 0 ? m.Bytes(header) : m.Json(header)), f[(8 + length)..]);
    }, Damage.OpenModel);

    [Fact]
    public void DamagedSafetensorsBytes() => Damage.Try(Model(new() { Layers = 1, Hidden = 8, HeadSize = 4, FeedForward = 8, Type = ElementType.BF16 }), "model.safetensors", 3000, (m, f) => m.Next(3) switch
    {
        0 => m.Bytes(f),
        1 => [.. m.Bytes(f[..8]), .. f[8..]],
        _ => [.. f[..8], .. m.Bytes(f[8..400]), .. f[400..]],
    }, Damage.OpenModel);

    [Fact]
    public void DamagedIndex() => Damage.Try(Model(new() { Layers = 1, Shards = 2 }), "model.safetensors.index.json", 2500, AsJson, Damage.OpenModel);

    [Fact]
    public void DamagedTokenizerJson() => Damage.Try(Model(new() { WithTokenizer = true }), "tokenizer.json", 1000, AsJson, Damage.OpenTokenizer);

    [Fact]
    public void DamagedTokenizerModel() => Damage.Try(Model(new()), "tokenizer.model", 2000, (m, f) => m.Next(2) == 0 ? m.Bytes(f) : m.Lines(f), Damage.OpenTokenizer);

    static byte[] AsJson(Mutator mutator, byte[] file) => mutator.Next(3) == 0 ? mutator.Bytes(file) : mutator.Json(file);

    static TestModel Model(TestShape shape)
    {
        var model = TestModels.Write(shape);
        File.WriteAllText(model.File("generation_config.json"), """{"do_sample":true,"temperature":0.6,"top_p":0.9,"top_k":50,"eos_token_id":[1,2,3]}""");
        File.WriteAllText(model.File("tokenizer_config.json"), """{"bos_token":"x","chat_template":[{"name":"default","template":"{{ messages }}"},{"name":"tool_use","template":""}]}""");
        File.WriteAllText(model.File("tokenizer.model"), string.Concat(ByteAlphabet.Order.Select((b, i) => $"{Convert.ToBase64String([b])} {i}\n")) + "aGU= 256\n");
        return model;
    }
}
