using System.Text.Json;
using Cria.Formats;
using Cria.Tensors;
using Cria.Tests;
using static TorchSharp.torch;
using Tensor = TorchSharp.torch.Tensor;

namespace Cria.Training.Tests;

/// <summary>A family of recorded training vectors: its JSON and the tensors that the JSON refers to.</summary>
sealed class GoldenFamily : IDisposable
{
    readonly JsonDocument _json;
    readonly SafetensorsFile? _tensors;

    public GoldenFamily(string name)
    {
        _json = JsonDocument.Parse(File.ReadAllBytes(TestFiles.Golden("training", name + ".json")));
        var tensors = TestFiles.Golden("training", name + ".safetensors");
        _tensors = File.Exists(tensors) ? SafetensorsFile.Open(tensors) : null;
    }

    public IEnumerable<JsonElement> Cases => _json.RootElement.GetProperty("cases").EnumerateArray();

    public JsonElement Case(string name) => Cases.Single(c => c.GetProperty("name").GetString() == name);

    /// <summary>The tensor a value refers to, in its own type (F32 or F64).</summary>
    public unsafe Tensor Tensor(JsonElement reference)
    {
        var name = reference.GetProperty("tensor").GetString();
        var stored = _tensors!.Tensors.Single(t => t.Name == name);
        var bytes = new ReadOnlySpan<byte>(stored.Data, (int)stored.ByteLength);
        return stored.Type == ElementType.F64 ? tensor(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, double>(bytes).ToArray(), [.. stored.Shape])
            : tensor(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes).ToArray(), [.. stored.Shape]);
    }

    public void Dispose()
    {
        _json.Dispose();
        _tensors?.Dispose();
    }
}
