using System.Buffers.Binary;
using System.Text;
using Cria.Conversion;
using Cria.Formats;
using Cria.Tensors;
using Cria.Tokenization;

namespace Cria.Tests.Formats;

/// <summary>
/// Over ten thousand damaged files: each opens or is one <see cref="CriaException"/> of one line, and costs the thread less than
/// the bytes of its files and 64 MB (all allocations added up, also those already free again).
/// </summary>
public sealed class DamagedFileTests
{
    const long Allowance = 64 << 20;

    [Fact]
    public void DamagedConfiguration() => Damage(new TestShape(), "config.json", 2500, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f), OpenModel);

    [Fact]
    public void DamagedGenerationConfiguration() => Damage(new TestShape(), "generation_config.json", 1200, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f), OpenModel);

    [Fact]
    public void DamagedTokenizerConfiguration() => Damage(new TestShape(), "tokenizer_config.json", 500, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f), OpenModel);

    [Fact]
    public void DamagedSafetensorsHeader() => Damage(new TestShape { Layers = 1 }, "model.safetensors", 2500, (m, f) =>
    {
        var length = (int)BinaryPrimitives.ReadInt64LittleEndian(f);
        var header = f[8..(8 + length)];
        return SafetensorsTests.Raw(Encoding.Latin1.GetString(m.Next(4) == 0 ? m.Bytes(header) : m.Json(header)), f[(8 + length)..]);
    }, OpenModel);

    [Fact]
    public void DamagedSafetensorsBytes() => Damage(new TestShape { Layers = 1, Type = ElementType.BF16 }, "model.safetensors", 1200, (m, f) => m.Next(3) switch
    {
        0 => m.Bytes(f),
        1 => [.. m.Bytes(f[..8]), .. f[8..]],
        _ => [.. f[..8], .. m.Bytes(f[8..400]), .. f[400..]],
    }, OpenModel);

    [Fact]
    public void DamagedIndex() => Damage(new TestShape { Layers = 1, Shards = 2 }, "model.safetensors.index.json", 1500, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f), OpenModel);

    [Fact]
    public void DamagedTokenizerJson() => Damage(new TestShape { WithTokenizer = true }, "tokenizer.json", 1000, (m, f) => m.Next(3) == 0 ? m.Bytes(f) : m.Json(f), OpenTokenizer);

    [Fact]
    public void DamagedTokenizerModel() => Damage(new TestShape(), "tokenizer.model", 1500, (m, f) => m.Next(2) == 0 ? m.Bytes(f) : m.Lines(f), OpenTokenizer);

    [Fact]
    public void DamagedGguf() => Damage(new TestShape { Layers = 1, WithTokenizer = true }, "model.gguf", 4000, (m, f) => m.Next(4) switch
    {
        0 => m.Bytes(f),
        1 => [.. m.Bytes(f[..1200]), .. f[1200..]], // the numbers of the model
        _ => [.. f[..24], .. m.Bytes(f[24..20_000]), .. f[20_000..]],
    }, OpenGguf);

    static void Damage(TestShape shape, string name, int cases, Func<Mutator, byte[], byte[]> mutate, Action<TestModel, bool> open)
    {
        using var model = TestModels.Write(shape);
        File.WriteAllText(model.File("generation_config.json"), """{"do_sample":true,"temperature":0.6,"top_p":0.9,"top_k":50,"eos_token_id":[1,2,3]}""");
        File.WriteAllText(model.File("tokenizer_config.json"), """{"bos_token":"x","chat_template":[{"name":"default","template":"{{ messages }}"},{"name":"tool_use","template":""}]}""");
        File.WriteAllText(model.File("tokenizer.model"), string.Concat(ByteAlphabet.Order.Select((b, i) => $"{Convert.ToBase64String([b])} {i}\n")) + "aGU= 256\n");
        if (name == "model.gguf")
            GgufConversion.Write(model.Path, model.File(name), QuantizationRecipe.Find("f32"), 1);
        var sound = File.ReadAllBytes(model.File(name));
        open(model, false);
        var refused = 0;
        for (var i = 0; i < cases; i++)
        {
            var damaged = mutate(new Mutator(i), sound);
            File.WriteAllBytes(model.File(name), damaged);
            var limit = Directory.GetFiles(model.Path).Sum(f => new FileInfo(f).Length) + Allowance;
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                open(model, true);
            }
            catch (CriaException e)
            {
                refused++;
                Assert.True(e.Message.Length < 1000 && !e.Message.AsSpan().ContainsAny("\r\n\f\u0085\u2028\u2029"), $"case {i}: {e.Message}");
            }
            catch (Exception e)
            {
                Assert.Fail($"case {i}: {e}");
            }
            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < limit, $"case {i}: {allocated} bytes");
        }
        Assert.InRange(refused, cases / 4, cases);
    }

    /// <summary>Opens a model and reads the first and the last byte of every tensor.</summary>
    static void OpenModel(TestModel model, bool damaged) => OpenCheckpoint(model.Path, damaged);

    static void OpenGguf(TestModel model, bool damaged)
    {
        OpenCheckpoint(model.File("model.gguf"), damaged);
        RoundTrip(ModelTokenizer.Load(model.File("model.gguf")), damaged);
    }

    static unsafe void OpenCheckpoint(string path, bool damaged)
    {
        using var checkpoint = Checkpoint.Open(path);
        var sum = 0;
        foreach (var tensor in checkpoint.Tensors)
            if (tensor.ByteLength > 0)
                sum += tensor.Data[0] + tensor.Data[tensor.ByteLength - 1];
        Assert.True(damaged || sum > 0);
    }

    /// <summary>Reads a vocabulary and takes a text there and back.</summary>
    static void OpenTokenizer(TestModel model, bool damaged) => RoundTrip(Tokenizer.Load(model.Path), damaged);

    static void RoundTrip(Tokenizer tokenizer, bool damaged)
    {
        const string Text = "hello world <|eot_id|>, สวัสดี \n\n 1234";
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text)));
        Assert.Equal(Text, tokenizer.Decode(tokenizer.Encode(Text, allowSpecial: true)));
        Assert.True(damaged || tokenizer.VocabularySize > 256);
    }
}
