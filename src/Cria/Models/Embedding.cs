using Cria.Tensors;

namespace Cria.Models;

/// <summary>The token embedding [V, D] as it is stored.</summary>
sealed unsafe class Embedding(Tensor weight)
{
    readonly int _columns = (int)weight.Shape[1];

    /// <summary>The embedding of one token, widened to float32.</summary>
    public void Lookup(int token, float* row)
    {
        var source = weight.Data + (long)token * _columns * weight.Type.Size();
        for (var i = 0; i < _columns; i++)
        {
            row[i] = weight.Type switch
            {
                ElementType.F32 => ((float*)source)[i],
                ElementType.F16 => (float)((Half*)source)[i],
                _ => BitConverter.UInt32BitsToSingle((uint)((ushort*)source)[i] << 16),
            };
        }
    }
}
