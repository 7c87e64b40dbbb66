using Cria.Kernels.Blocks;
using Cria.Tensors;

namespace Cria.Models;

/// <summary>The token embedding [V, D] as it is stored; of int8 codes with a scale for each row.</summary>
sealed unsafe class Embedding(Tensor weight, Tensor? scales)
{
    readonly long _columns = weight.Shape[1];

    /// <summary>The embedding of one token as float32.</summary>
    public void Lookup(int token, float* row)
    {
        var source = weight.Data + weight.Type.Bytes(token * _columns);
        if (scales is null)
        {
            BlockFormats.Dequantize(weight.Type, source, _columns, row);
            return;
        }
        var scale = ((float*)scales.Data)[token];
        for (var i = 0; i < _columns; i++)
            row[i] = scale * (sbyte)source[i];
    }
}
