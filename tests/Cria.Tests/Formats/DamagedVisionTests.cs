using Cria.Formats;

namespace Cria.Tests.Formats;

/// <summary>Damaged vision models: what their configurations and headers say of the encoder, of cross-attention and of the tables for tiles.</summary>
public sealed class DamagedVisionTests
{
    [Fact]
    public void DamagedConfiguration() => Damage.Try(Copy("c-hf-bf16"), "config.json", 1000, (m, f) => m.Next(4) == 0 ? m.Bytes(f) : m.Json(f), Open);

    [Fact]
    public void DamagedSafetensors() => Damage.Try(Copy("c-hf-bf16"), "model.safetensors", 1000, (m, f) =>
    {
        var header = 8 + BitConverter.ToInt32(f);
        return m.Next(2) == 0 ? [.. f[..8], .. m.Bytes(f[8..header]), .. f[header..]] : m.Bytes(f);
    }, Open);

    [Fact]
    public void DamagedParameters() => Damage.Try(Copy("b-meta-bf16"), "params.json", 1000, (m, f) => m.Next(4) == 0 ? m.Bytes(f) : m.Json(f), Open);

    [Theory]
    [InlineData("a-gguf", "model.gguf"), InlineData("p-gguf-pair", "model.gguf"), InlineData("p-gguf-pair", "projector.gguf")]
    public void DamagedGguf(string name, string file)
    {
        var model = Copy(name);
        var fields = new GgufFields(File.ReadAllBytes(model.File(file)));
        Damage.Try(model, file, 1000, (m, f) => m.Next(4) == 0 ? m.Bytes(f) : fields.Damaged(m), path => Open(Path.Combine(path, "model.gguf")));
    }

    static TestModel Copy(string name)
    {
        var model = new TestModel();
        foreach (var file in Directory.GetFiles(TestFiles.Golden("vision", "models", name)))
            File.WriteAllBytes(model.File(Path.GetFileName(file)), File.ReadAllBytes(file));
        return model;
    }

    /// <summary>Opens a model and reads the first and the last byte of what every role has.</summary>
    static unsafe long Open(string path)
    {
        using var checkpoint = Checkpoint.Open(path);
        var sum = 0L;
        foreach (var (role, layer) in TensorRoles.All(checkpoint.Config))
            if (checkpoint.Get(role, layer) is { ByteLength: > 0 } tensor)
                sum += tensor.Data[0] + tensor.Data[tensor.ByteLength - 1];
        return sum;
    }
}
