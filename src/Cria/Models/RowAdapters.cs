using System.Runtime.InteropServices;
using Cria.Formats;
using Cria.Kernels;

namespace Cria.Models;

/// <summary>Sees the rows [rows, in] that a matrix is about to multiply.</summary>
delegate void InputObserver(TensorRole role, int layer, Matrix input);

/// <summary>
/// The adapters of a pass's rows. Rows of one adapter are computed together, wherever they stand in the batch; since each row of a
/// product has its own sums, it gets the same bits in any company. An image's rows all have the one it is read with.
/// </summary>
sealed unsafe class RowAdapters : IDisposable
{
    readonly List<(Adapter Adapter, List<int>? Rows)> _groups = []; // null: every row of each product
    readonly NativeBuffer _x = new(), _y = new();

    /// <summary>Told the input of every matrix of the blocks and of the output matrix, if set.</summary>
    public InputObserver? Observer { get; set; }

    /// <summary>Says which rows the next products are of.</summary>
    public void Prepare(ReadOnlySpan<Row> rows)
    {
        _groups.Clear();
        for (var row = 0; row < rows.Length; row++)
        {
            if (rows[row].Sequence.Adapter is not { } adapter)
                continue;
            var group = _groups.FindIndex(g => g.Adapter == adapter);
            if (group < 0)
            {
                group = _groups.Count;
                _groups.Add((adapter, []));
            }
            _groups[group].Rows!.Add(row);
        }
        if (_groups is [var only] && only.Rows!.Count == rows.Length)
            Prepare(only.Adapter);
    }

    /// <summary>Says that all rows of the next products have one adapter, or none.</summary>
    public void Prepare(Adapter? adapter)
    {
        _groups.Clear();
        if (adapter is not null)
            _groups.Add((adapter, null));
    }

    /// <summary>Y = X Wᵀ with the weights that each row's adapter makes of the matrix.</summary>
    public void Multiply(WeightMatrix matrix, TensorRole role, int layer, Matrix x, Matrix y)
    {
        Observer?.Invoke(role, layer, x);
        var isReplaced = _groups is [(var only, null)] && only.Matrix(role, layer) is { IsWhole: true };
        if (!isReplaced)
            matrix.Multiply(x, y);
        foreach (var (adapter, rows) in _groups)
        {
            if (adapter.Matrix(role, layer) is not { } change)
                continue;
            if (rows is null)
            {
                change.Apply(x, y);
                continue;
            }
            var (input, output) = (_x.Reserve(rows.Count, x.Columns), _y.Reserve(rows.Count, y.Columns));
            for (var i = 0; i < rows.Count; i++)
            {
                Copy(x[rows[i]], input[i], x.Columns);
                Copy(y[rows[i]], output[i], y.Columns);
            }
            change.Apply(input, output);
            for (var i = 0; i < rows.Count; i++)
                Copy(output[i], y[rows[i]], y.Columns);
        }
    }

    /// <summary>y = RMSNorm(x) with the weight that each row's adapter has in place of the model's.</summary>
    public void Normalize(RmsNorm norm, TensorRole role, int layer, Matrix x, Matrix y)
    {
        norm.Apply(x, y);
        foreach (var (adapter, rows) in _groups)
        {
            if (adapter.Norm(role, layer) is not { } own)
                continue;
            if (rows is null)
                own.Apply(x, y);
            else
                foreach (var row in rows)
                    own.Apply(x.Slice(row, 1), y.Slice(row, 1));
        }
    }

    static void Copy(float* source, float* target, int count) => NativeMemory.Copy(source, target, (nuint)count * sizeof(float));

    public void Dispose()
    {
        _x.Dispose();
        _y.Dispose();
    }
}
