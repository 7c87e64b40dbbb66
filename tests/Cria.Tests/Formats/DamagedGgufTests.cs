using Cria.Conversion;

namespace Cria.Tests.Formats;

/// <summary>Damaged GGUF files: bytes, and fields that lie while all others stay where they are.</summary>
public sealed class DamagedGgufTests
{
    const string Name = "model.gguf";

    [Fact]
    public void DamagedBytes() => Damage.Try(Model(), Name, 12_000, (m, f) => m.Next(4) switch
    {
        0 => m.Bytes(f),
        1 => [.. m.Bytes(f[..1200]), .. f[1200..]], // the numbers of the model
        _ => [.. f[..24], .. m.Bytes(f[24..20_000]), .. f[20_000..]],
    }, Open);

    [Fact]
    public void DamagedFields()
    {
        var model = Model();
        var fields = new GgufFields(File.ReadAllBytes(model.File(Name)));
        Damage.Try(model, Name, 30_000, (m, _) => fields.Damaged(m), Open);
    }

    static TestModel Model()
    {
        using var source = TestModels.Write(new() { Layers = 1, Hidden = 8, HeadSize = 4, FeedForward = 8, WithTokenizer = true });
        var model = new TestModel();
        GgufConversion.Write(source.Path, model.File(Name), QuantizationRecipe.Find("f32"), 1);
        return model;
    }

    static long Open(string path) => Damage.OpenModel(Path.Combine(path, Name)) + Damage.OpenTokenizer(Path.Combine(path, Name));
}
